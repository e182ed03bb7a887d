// The memory map of an instance. Nothing is allocated: each kernel works on these fixed areas, which TypeScript fills and
// empties piece by piece.

/** Where the last scan stopped: the weak hash of the window at the next position (u32). */
export const NEXT_HASH: usize = 64;

/** Candidates of a scan: (position, weak hash) pairs of u32; one more than counts is written. */
export const CANDIDATES: usize = 128;

/** The most positions that one scan goes through, and so the most candidates. */
export const MAX_POSITIONS: u32 = 16384;

/** Bytes that leave the window and bytes that enter it. Apart, so that a window may be larger than the memory. */
export const LEAVING: usize = CANDIDATES + 8 * <usize>(MAX_POSITIONS + 1);
export const ENTERING: usize = LEAVING + <usize>MAX_POSITIONS;

/** Bytes to be hashed, or weak hashes to be put into the filter. */
export const INPUT: usize = 196608;
export const INPUT_BYTES: u32 = 65536;

/** The bit filter. It is last because its size differs: memory grows to hold it. */
export const FILTER: usize = 4 * 65536;
