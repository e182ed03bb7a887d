// The memory map of an instance. Nothing is allocated: each kernel works on these fixed areas, which the loader fills
// and empties piece by piece. The exported constants are the loader's only knowledge of the map.

/** Weights of the block hash, 8 vectors of 16 bytes. */
export const WEIGHTS: usize = 0;

/** The hash of all that passes, while it is under way. */
export const WHOLE_STREAM: usize = 128;

/** Where the last scan stopped: two u32, see `scan`. */
export const SCAN_STATE: usize = 1024 - 8;

/** Candidates of a scan: (position, weak hash) pairs of u32. */
export const CANDIDATES: usize = 1024;
export const MAX_CANDIDATES: u32 = 2048;

/** Positions of a scan that passed the first filter: pairs like the candidates, a step of STEP_POSITIONS at a time. */
export const SURVIVORS: usize = CANDIDATES + 8 * <usize>(MAX_CANDIDATES + 1);
export const STEP_POSITIONS: u32 = 512;

/** Results per block: weak hashes (u32), then strong hashes (u64), for at most MAX_BLOCKS blocks. */
export const MAX_BLOCKS: u32 = 4096;
export const WEAK_HASHES: usize = CANDIDATES;
export const STRONG_HASHES: usize = WEAK_HASHES + 4 * <usize>MAX_BLOCKS;

/**
 * Input bytes. Scans and block hashes use all of it, kernels with two inputs take halves. It ends a vector early, since
 * kernels may touch a whole vector behind their last byte.
 */
export const INPUT: usize = 65536;
export const INPUT_BYTES: usize = 5 * 65536 - 64;

/** The bit filters. They are last because their size differs: memory grows to hold them. */
export const FILTERS: usize = 6 * 65536;
