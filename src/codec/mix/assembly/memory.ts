// The memory map of an instance. Nothing is allocated: the loader fills and empties the input and output areas, all else
// belongs to the model. All sizes are fixed, so that what a decoder needs is known before it starts.

import { MODEL, SCRATCH, WEIGHT_SET_BYTES } from "../../assembly/layout";

/** A counter that says what the scout says. */
export const OPINION: usize = SCRATCH;
/** Of each source of a field's difference: the difference and its confidence, u32 each; and the number of its entry. */
export const CANDIDATES: usize = OPINION + 64;
export const ENTRIES: usize = CANDIDATES + 64;
/** The probability of each position that the scout looked at, u32. */
export const LOOKS: usize = ENTRIES + 64;

/** What a position adds to the risk of a group, by x + SQUASH_LIMIT, u32: between the coded bytes and the model. */
export const RISKS: usize = MODEL - 24576;

export const GROUP_MAPS: usize = MODEL;
export const SOURCE_SCORES: usize = GROUP_MAPS + 2 * 512;

/** Weight sets: every decision has two. */
export const WEIGHTS: usize = SOURCE_SCORES + 2 * 128 + 768;
export const FLAG_WEIGHTS_A: usize = WEIGHTS;
export const FLAG_WEIGHTS_B: usize = FLAG_WEIGHTS_A + WEIGHT_SET_BYTES * 512;
export const HIT_WEIGHTS_A: usize = FLAG_WEIGHTS_B + WEIGHT_SET_BYTES * 1024;
export const HIT_WEIGHTS_B: usize = HIT_WEIGHTS_A + WEIGHT_SET_BYTES * 256;
export const VALUE_WEIGHTS_A: usize = HIT_WEIGHTS_B + WEIGHT_SET_BYTES * 512;
export const VALUE_WEIGHTS_B: usize = VALUE_WEIGHTS_A + WEIGHT_SET_BYTES * 256;
export const WEIGHTS_END: usize = VALUE_WEIGHTS_B + WEIGHT_SET_BYTES * 1024;

/** The scout's weights, i16. (Half as many entries cost 0.2 to 0.9 % more bytes and save no time.) */
export const SCOUT_TABLES: usize = 3;
export const SCOUT_TABLE_BYTES: usize = 2 << 16;
export const SCOUT: usize = WEIGHTS_END;

/**
 * Six tables of differences: a u32 and its confidence, a u8, side by side, since in two places they took a twentieth more of the time.
 * (Twice as many entries save 0.3 to 1.2 % of bytes and cost 2 % of the time.)
 */
export const DELTA_TABLE_BITS: u32 = 15;
export const DELTA_BYTES: usize = 5;
export const DELTA_TABLE_BYTES: usize = DELTA_BYTES << DELTA_TABLE_BITS;
export const DELTAS: usize = SCOUT + SCOUT_TABLES * SCOUT_TABLE_BYTES;
/** The differences seen last. */
export const RECENT: usize = DELTAS + 6 * DELTA_TABLE_BYTES;

/** Per context a table of entries: a check (u16) and a counter (u16). */
export const FLAG_TABLES: usize = RECENT + 64;
export const FLAG_CONTEXTS: u32 = 6;
export const SLOT_TABLE_BITS: u32 = 12;
export const SLOT_TABLE_BYTES: usize = 4 << SLOT_TABLE_BITS;
export const HIT_TABLES: usize = FLAG_TABLES + <usize>FLAG_CONTEXTS * SLOT_TABLE_BYTES;
export const HIT_CONTEXTS: u32 = 3;

/**
 * Per context a table of value lines: a check (u16) and the counters of the 15 nodes of a nibble's tree. Twice as many lines
 * save up to 1 % of bytes and cost a twentieth of the time: they leave the processor's cache.
 */
export const VALUE_TABLES: usize = HIT_TABLES + <usize>HIT_CONTEXTS * SLOT_TABLE_BYTES;
export const VALUE_CONTEXTS: u32 = 6;
export const VALUE_TABLE_BITS: u32 = 11;
export const VALUE_TABLE_BYTES: usize = 32 << VALUE_TABLE_BITS;
export const VALUE_TABLES_END: usize = VALUE_TABLES + <usize>VALUE_CONTEXTS * VALUE_TABLE_BYTES;

/** The longest segment, and how much of the segment before is kept in front of it. */
export const MAX_SEGMENT_BYTES: u32 = 1 << 20;
export const HISTORY_BYTES: u32 = 64;

/** Basis and residual of a segment; the history is right before, the padding is zero and right behind. */
export const BASIS: usize = VALUE_TABLES_END + 64;
export const RESIDUAL: usize = BASIS + <usize>MAX_SEGMENT_BYTES + 128;

/** Spans of the bytes that are coded next: where each ends in the segment, its address less its place there, and its shift; u32 each. */
export const SPANS: usize = RESIDUAL + <usize>MAX_SEGMENT_BYTES + 64;
export const SPAN_BYTES: usize = 12;
export const MAX_SPANS: u32 = 1 << 12;
/** How far behind the end of what is asked for a field may begin. */
export const MAX_OVERRUN_BYTES: u32 = 64;

/**
 * Residual bytes that are coded in one call, and the coded bytes that they can become: 12 decisions of at most 17 bits
 * each, the precision that the coder may lose included.
 */
export const PIECE_BYTES: u32 = 1 << 15;
export const MAX_CODED_BYTES: u32 = 28 * (PIECE_BYTES + 128) + 16;
