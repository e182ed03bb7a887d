/**
 * Signatures: a weak and a strong hash of each block of a basis, so that a delta can be made without the basis. Building,
 * the file form (`FORMAT.md`), and looking blocks up.
 *
 * @module
 */
export { BlockIndex } from "./block-index.ts";
export { chooseBlockBytes } from "./block-size.ts";
export { BlockTable } from "./block-table.ts";
export { type BuildSignatureOptions, buildSignature } from "./build.ts";
export { isSignature, type ReadSignatureOptions, readSignature } from "./read.ts";
export {
  checkSignature,
  countBlocks,
  DEFAULT_SIGNATURE_LIMITS,
  type Signature,
  type SignatureLimits,
} from "./signature.ts";
export { encodeSignature, writeSignature } from "./write.ts";
