import { type RdiffHashes, STRONG_HASH_BYTES } from "./format.ts";

const SMALLEST_CHOICE = 256;
const SMALLEST_CHOICE_TO_BYTES = 65_536;
const UNKNOWN_SIZE_CHOICE = 2048;

/** The block length that librsync takes: 256, and of more than 64 KiB the square root, a multiple of 128. */
export function chooseRdiffBlockBytes(basisBytes: number | undefined): number {
  if (basisBytes === undefined) return UNKNOWN_SIZE_CHOICE;
  if (basisBytes <= SMALLEST_CHOICE_TO_BYTES) return SMALLEST_CHOICE;
  const root = Math.floor(Math.sqrt(basisBytes));
  return root - (root % 128);
}

/** How many bytes of each strong hash a signature keeps. */
export type RdiffStrongBytes = number | "min" | undefined;

const UNKNOWN_SIZE_MIN_BYTES = 12;

// Exact where Math.log2 might round up: numbers close below a power of two.
function floorLog2(value: number): number {
  let log = Math.floor(Math.log2(value));
  if (2 ** log > value) log--;
  return log;
}

/** The fewest bytes of a strong hash that librsync takes for safe enough against chance (not against intent). */
export function minRdiffStrongBytes(basisBytes: number | undefined, blockBytes: number): number {
  if (basisBytes === undefined) return UNKNOWN_SIZE_MIN_BYTES;
  const bits = floorLog2(basisBytes + 2 ** 24) + floorLog2(Math.floor(basisBytes / blockBytes) + 1);
  return 2 + Math.floor((bits + 7) / 8);
}

/** The length of strong hashes that is meant: all of the hash unless said otherwise. */
export function chooseRdiffStrongBytes(
  wanted: RdiffStrongBytes,
  { strongHash }: Pick<RdiffHashes, "strongHash">,
  basisBytes: number | undefined,
  blockBytes: number,
): number {
  const most = STRONG_HASH_BYTES[strongHash];
  return wanted === "min" ? Math.min(most, minRdiffStrongBytes(basisBytes, blockBytes)) : (wanted ?? most);
}
