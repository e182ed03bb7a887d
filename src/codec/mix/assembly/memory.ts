// The memory map of an instance. Nothing is allocated: the loader fills and empties the input and output areas, all else
// belongs to the model. All sizes are fixed, so that what a decoder needs is known before it starts.

/** Contexts that each decision is predicted from: as many as a vector has lanes. */
export const CONTEXTS: u32 = 8;

/** stretch(p) by 12-bit probability, i16. */
export const STRETCH: usize = 1024;
/** squash(x) by x + SQUASH_LIMIT, u16. */
export const SQUASH: usize = STRETCH + 2 * 4096;
export const SQUASH_LIMIT: i32 = 2900;

/** Addresses of the flag's counters, of the value's lines, and the hashes of the value's contexts, u32 each. */
export const FLAG_SLOTS: usize = SQUASH + 12288;
export const VALUE_LINES: usize = FLAG_SLOTS + 64;
export const VALUE_HASHES: usize = VALUE_LINES + 64;

/** Adaptive probability maps: rows of 25 u16, padded to 32. */
export const APM_ROW_BYTES: usize = 64;
export const FLAG_APM: usize = 32768;
export const FLAG_APM_ROWS: usize = 1024;
export const VALUE_APM: usize = FLAG_APM + APM_ROW_BYTES * FLAG_APM_ROWS;
export const VALUE_APM_ROWS: usize = 2048;

/** Weight sets, an i32 per context. Flags have two selectors, values too. */
export const WEIGHT_SET_BYTES: usize = 4 * <usize>CONTEXTS;
export const FLAG_WEIGHTS_A: usize = VALUE_APM + APM_ROW_BYTES * VALUE_APM_ROWS;
export const FLAG_WEIGHTS_A_SETS: usize = 512;
export const FLAG_WEIGHTS_B: usize = FLAG_WEIGHTS_A + WEIGHT_SET_BYTES * FLAG_WEIGHTS_A_SETS;
export const FLAG_WEIGHTS_B_SETS: usize = 1024;
export const VALUE_WEIGHTS_A: usize = FLAG_WEIGHTS_B + WEIGHT_SET_BYTES * FLAG_WEIGHTS_B_SETS;
export const VALUE_WEIGHTS_A_SETS: usize = 256;
export const VALUE_WEIGHTS_B: usize = VALUE_WEIGHTS_A + WEIGHT_SET_BYTES * VALUE_WEIGHTS_A_SETS;
export const VALUE_WEIGHTS_B_SETS: usize = 1024;

/** Per context a table of flag entries: a check (u16) and a counter (u16). */
export const FLAG_TABLES: usize = 1 << 19;
export const FLAG_TABLE_BITS: u32 = 16;
export const FLAG_TABLE_BYTES: usize = 4 << FLAG_TABLE_BITS;

/** Per context a table of value lines: a check (u16) and the counters of the 15 nodes of a nibble's tree. */
export const VALUE_TABLES: usize = FLAG_TABLES + <usize>CONTEXTS * FLAG_TABLE_BYTES;
export const VALUE_TABLE_BITS: u32 = 14;
export const VALUE_TABLE_BYTES: usize = 32 << VALUE_TABLE_BITS;

/** The longest segment, and how much of the segment before is kept in front of it. */
export const MAX_SEGMENT_BYTES: u32 = 1 << 20;
export const HISTORY_BYTES: u32 = 64;

/** Basis and residual of a segment; the history is right before, the padding is zero and right behind. */
export const BASIS: usize = VALUE_TABLES + <usize>CONTEXTS * VALUE_TABLE_BYTES + 64;
export const RESIDUAL: usize = BASIS + <usize>MAX_SEGMENT_BYTES + 128;

/**
 * Residual bytes that are coded in one call, and the coded bytes that they can become: 9 decisions of at most 17 bits
 * each, the precision that the coder may lose included.
 */
export const PIECE_BYTES: u32 = 1 << 16;
export const MAX_CODED_BYTES: u32 = 20 * PIECE_BYTES + 16;
export const CODED: usize = RESIDUAL + <usize>MAX_SEGMENT_BYTES + 128;
