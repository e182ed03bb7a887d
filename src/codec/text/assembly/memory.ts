// The memory map of an instance, behind what all models share. Nothing is allocated; all sizes are fixed.
import { APM_ROW_BYTES, MODEL, WEIGHT_SET_BYTES } from "../../assembly/layout";

/** A map for each node of a byte's tree behind four classes of bytes. */
export const APMS: usize = MODEL;
export const APM_ROWS: usize = 4 * 256;
/** A weight set for each match length class and number of known orders, and one for each depth behind each byte. */
export const WEIGHTS_A: usize = APMS + APM_ROW_BYTES * APM_ROWS;
export const WEIGHTS_B: usize = WEIGHTS_A + WEIGHT_SET_BYTES * 8 * 32;
export const WEIGHTS_END: usize = WEIGHTS_B + WEIGHT_SET_BYTES * 8 * 256;

/** Counters of what follows a match: for each of its length classes one for either bit that may be expected, u16 each. */
export const AGREEMENTS: usize = WEIGHTS_END;
export const AGREEMENTS_END: usize = AGREEMENTS + 128;

/** Tables of lines, by their sizes: contexts of few values have small ones. */
export const SMALL_BITS: u32 = 13;
export const MIDDLE_BITS: u32 = 15;
export const LARGE_BITS: u32 = 16;
export const TABLES: usize = AGREEMENTS_END;
export const ORDER_1: usize = TABLES;
export const ORDER_2: usize = ORDER_1 + (32 << SMALL_BITS);
export const ORDER_3: usize = ORDER_2 + (32 << MIDDLE_BITS);
export const ORDER_4: usize = ORDER_3 + (32 << LARGE_BITS);
export const WORDS: usize = ORDER_4 + (32 << LARGE_BITS);
export const EXPECTED: usize = WORDS + (32 << LARGE_BITS);
export const ORDER_0: usize = EXPECTED + (32 << SMALL_BITS);
export const TABLES_END: usize = ORDER_0 + (32 << SMALL_BITS);

/** The last bytes, and where to look for them by the hash of six: u32 each. */
export const RING_BITS: u32 = 20;
export const RING: usize = TABLES_END;
export const INDEX_BITS: u32 = 18;
export const INDEX: usize = RING + (1 << RING_BITS);

export const RING_END: usize = INDEX + (4 << INDEX_BITS);

/** The longest segment. */
export const MAX_SEGMENT_BYTES: u32 = 1 << 20;
export const RAW: usize = RING_END;

/** Raw bytes that are coded in one call, and the coded bytes that they can become: 8 decisions of at most 17 bits for each. */
export const PIECE_BYTES: u32 = 1 << 15;
export const MAX_CODED_BYTES: u32 = 17 * PIECE_BYTES + 16;
