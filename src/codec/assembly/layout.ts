// The part of an instance's memory that all models share: tables, scratch and coded bytes, up to MODEL. What is behind it
// belongs to the model.

/** Contexts that each decision is predicted from: as many as a vector has lanes. */
export const CONTEXTS: u32 = 8;

/** stretch(p) by 12-bit probability, i16. */
export const STRETCH: usize = 1024;
/** squash(x) by x + SQUASH_LIMIT, u16. */
export const SQUASH: usize = STRETCH + 2 * 4096;
export const SQUASH_LIMIT: i32 = 2900;

/** Addresses of a decision's counters, of a tree's lines, and the hashes of the tree's contexts, u32 each. */
export const SLOTS: usize = SQUASH + 12288;
export const LINES: usize = SLOTS + 64;
export const HASHES: usize = LINES + 64;
/** Scratch of the model. */
export const SCRATCH: usize = HASHES + 64;

/** Adaptive probability maps: rows of 25 u16, padded to 32. */
export const APM_ROW_BYTES: usize = 64;
/** Weight sets, an i16 per context. */
export const WEIGHT_SET_BYTES: usize = 2 * <usize>CONTEXTS;

/** Coded bytes. */
export const CODED: usize = 32768;
/** Where a model's own memory begins. */
export const MODEL: usize = 1 << 20;
