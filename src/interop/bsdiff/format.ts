import { type ErrorCode, FormatError } from "../../errors.ts";
import { DEFAULT_TARGET_LIMITS, type TargetLimits } from "../target-limits.ts";

/** What bsdiff 4 writes: three bzip2 streams one behind the other. */
export const BSDIFF40_MAGIC = "BSDIFF40";

/** What mendsley's bsdiff writes: one bzip2 stream with all in the order of use. */
export const ENDSLEY_MAGIC = "ENDSLEY/BSDIFF43";

/** What a reader of bsdiff files allows. */
export interface BsdiffLimits extends TargetLimits {
  /** Control entries, which may do nothing. */
  entryCount: number;
}

/** The limits that hold unless the caller sets others: 64 GiB of target, 100 times basis and delta, 64 Mi entries. */
export const DEFAULT_BSDIFF_LIMITS: BsdiffLimits = { ...DEFAULT_TARGET_LIMITS, entryCount: 2 ** 26 };

/** Bytes of an integer. */
export const INTEGER_BYTES = 8;

/**
 * Read an integer: little-endian, its sign in the highest bit.
 *
 * @throws {@link FormatError} with `code` when it is over 2^53 − 1.
 */
export function readBsdiffInteger(bytes: Uint8Array, at: number, code: ErrorCode): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, INTEGER_BYTES);
  const high = view.getUint32(4, true);
  const magnitude = (high & 0x7fffffff) * 2 ** 32 + view.getUint32(0, true);
  if (!Number.isSafeInteger(magnitude))
    throw new FormatError(code, `bsdiff: expected an integer below 2^53, found ${magnitude}`);
  return high >= 0x80000000 ? -magnitude : magnitude;
}
