/** Signatures and deltas of librsync, which the tool rdiff and balenaEngine read and write. */
export {
  type ApplyRdiffDeltaOptions,
  type ApplyRdiffDeltaResult,
  applyRdiffDelta,
} from "./apply.ts";
export {
  type CreateRdiffDeltaOptions,
  createRdiffDelta,
  type RdiffBasis,
  type RdiffDeltaStats,
} from "./create.ts";
export type { RdiffStrongBytes } from "./defaults.ts";
export type { RdiffHashes, RdiffStrongHash, RdiffWeakHash } from "./format.ts";
export { inspectRdiffDelta, type RdiffDeltaInfo } from "./inspect.ts";
export type { RdiffOpTotals } from "./op-writer.ts";
export {
  DEFAULT_RDIFF_SIGNATURE_LIMITS,
  type RdiffSignature,
  type RdiffSignatureLimits,
  type ReadRdiffSignatureOptions,
  readRdiffSignature,
} from "./signature.ts";
export {
  type RdiffSignatureStats,
  type WriteRdiffSignatureOptions,
  writeRdiffSignature,
} from "./write-signature.ts";
