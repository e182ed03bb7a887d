// The memory map of an instance, behind what all models share. Nothing is allocated; all sizes are fixed.
import { MODEL } from "../../assembly/layout";
import { LINE_BYTES, SETS_BYTES } from "../../assembly/nibble-layout";

/** Sets of weights, by: */
export const KIND_SETS: usize = MODEL; // last kind
export const LENGTH_SETS: usize = KIND_SETS + 8 * SETS_BYTES; // kind
export const DISTANCE_SETS: usize = LENGTH_SETS + 8 * SETS_BYTES; // kind
export const NUMBER_SETS: usize = DISTANCE_SETS + 8 * SETS_BYTES; // field, step: see number.ts
export const SETS_END: usize = NUMBER_SETS + 6 * 5 * SETS_BYTES;

/** A table of hashed lines for each of the four contexts. */
export const TABLE_BITS: u32 = 13;
export const TABLE_BYTES: usize = LINE_BYTES << TABLE_BITS;
export const TABLES: usize = SETS_END;
export const TABLES_END: usize = TABLES + 4 * TABLE_BYTES;

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
 * Raw bytes that are coded in one call, and the coded bytes that they can become: 4 nibbles for a byte, of at most 17 bits with
 * what the coder may lose.
 */
export const PIECE_BYTES: u32 = 1 << 15;
export const MAX_CODED_BYTES: u32 = 9 * (PIECE_BYTES + 128) + 16;
