// The memory map of an instance, behind what all models share. Nothing is allocated; all sizes are fixed.
import { APM_ROW_BYTES, CONTEXTS, MODEL, WEIGHT_SET_BYTES } from "../../assembly/layout";

/** Steps of a number's coding, by field: see number.ts. */
export const STEPS: usize = 64;

export const APMS: usize = MODEL;
export const APM_ROWS: usize = 16 * STEPS;
export const WEIGHTS_A: usize = APMS + APM_ROW_BYTES * APM_ROWS;
export const WEIGHTS_B: usize = WEIGHTS_A + WEIGHT_SET_BYTES * 16 * STEPS;
export const WEIGHTS_END: usize = WEIGHTS_B + WEIGHT_SET_BYTES * 64 * STEPS;

/** Per context a table of lines. */
export const TABLE_BITS: u32 = 14;
export const TABLE_BYTES: usize = 32 << TABLE_BITS;
export const TABLES: usize = WEIGHTS_END;
export const TABLES_END: usize = TABLES + <usize>CONTEXTS * TABLE_BYTES;

/**
 * The last ops, 8 bytes each, and where to look for them by the hash of two. (Twice as many take 3 MiB, and save 4 % where there
 * are two million ops, nothing else.)
 */
export const HISTORY_BITS: u32 = 18;
export const HISTORY: usize = TABLES_END;
export const INDEX_BITS: u32 = 18;
export const HISTORY_INDEX: usize = HISTORY + (8 << HISTORY_BITS);

/** The longest segment. Behind it is space for the end of an op that damage has put there, 120 bytes at most. */
export const MAX_SEGMENT_BYTES: u32 = 1 << 20;
export const RAW: usize = HISTORY_INDEX + (4 << INDEX_BITS);

/**
 * Raw bytes that are coded in one call, and the coded bytes that they can become: 10 decisions of at most 17 bits for each,
 * the precision that the coder may lose included.
 */
export const PIECE_BYTES: u32 = 1 << 15;
export const MAX_CODED_BYTES: u32 = 28 * (PIECE_BYTES + 128) + 16;
