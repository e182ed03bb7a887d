// The memory map of an instance. The model and the area for coded bytes have fixed places; behind them come a decoder's
// window, or an encoder's buffer and search structures, which the loader makes room for.

import { SQUASH } from "../../assembly/layout";

/** What a decision of a 12-bit probability costs, u16, for the encoder's parser. */
export const COSTS: usize = SQUASH + 12288;

/** Addresses of the counters or lines of a decision, u32 each. */
export const SLOTS: usize = COSTS + 2 * 4096;
/** A line of counters that know nothing, for contexts that a price asks for and that are not there. */
export const FRESH_LINE: usize = SLOTS + 64;

/** Lines: 16 u16, of which 0 is a check or unused, the others the counters of the 15 nodes of a nibble's tree. */
export const LINE_BYTES: usize = 32;
/** A direct context of a byte: the line of its first nibble and the 16 of its second. */
export const DIRECT_BYTES: usize = 17 * LINE_BYTES;

/** Adaptive probability maps: rows of 25 u16, padded to 32. */
export const MAP_ROW_BYTES: usize = 64;
export const LITERAL_MAPS: usize = 65536;
export const LITERAL_MAP_ROWS: usize = 6 * 256;
export const MATCH_MAPS: usize = LITERAL_MAPS + LITERAL_MAP_ROWS * MAP_ROW_BYTES;
export const MATCH_MAP_ROWS: usize = 256;

/** Weight sets: an i16 for each of 8 inputs. */
export const WEIGHT_SET_BYTES: usize = 16;
export const LITERAL_WEIGHTS_A: usize = MATCH_MAPS + MATCH_MAP_ROWS * MAP_ROW_BYTES;
export const LITERAL_WEIGHTS_B: usize = LITERAL_WEIGHTS_A + 3 * 256 * WEIGHT_SET_BYTES;
export const MATCH_WEIGHTS_A: usize = LITERAL_WEIGHTS_B + 6 * 8 * WEIGHT_SET_BYTES;
export const MATCH_WEIGHTS_B: usize = MATCH_WEIGHTS_A + 64 * WEIGHT_SET_BYTES;
export const REP_WEIGHTS: usize = MATCH_WEIGHTS_B + 256 * WEIGHT_SET_BYTES;
export const LENGTH_WEIGHTS: usize = REP_WEIGHTS + 5 * 16 * WEIGHT_SET_BYTES;
export const SLOT_WEIGHTS: usize = LENGTH_WEIGHTS + 2 * 32 * WEIGHT_SET_BYTES;
export const ALIGN_WEIGHTS: usize = SLOT_WEIGHTS + 4 * 64 * WEIGHT_SET_BYTES;
export const WEIGHTS_END: usize = ALIGN_WEIGHTS + 16 * WEIGHT_SET_BYTES;

/** Counters of all but hashed contexts, i16, from here to COUNTERS_END. */
export const COUNTERS: usize = WEIGHTS_END;
export const MATCH_0: usize = COUNTERS; // state, position
export const MATCH_1: usize = MATCH_0 + 2 * 64; // state, byte before
export const MATCH_2: usize = MATCH_1 + 2 * 16 * 256; // match byte, byte before
export const MATCH_3: usize = MATCH_2 + 2 * 65536; // literal run, last length
export const REP_0: usize = MATCH_3 + 2 * 512; // kind, state
export const REP_1: usize = REP_0 + 2 * 5 * 16; // kind, byte before
export const REP_2: usize = REP_1 + 2 * 5 * 256; // kind, match byte, whether after a match
export const REP_3: usize = REP_2 + 2 * 5 * 512; // kind, last length, literal run
export const LENGTH_0: usize = REP_3 + 2 * 5 * 128; // rep, position
export const LENGTH_1: usize = LENGTH_0 + 64 * 2 * 4; // rep, state
export const LENGTH_2: usize = LENGTH_1 + 64 * 2 * 16; // rep, byte before
export const LENGTH_3: usize = LENGTH_2 + 64 * 2 * 256; // rep, last length, match byte
export const LENGTH_EXTRA: usize = LENGTH_3 + 64 * 2 * 1024;
export const SLOT_0: usize = LENGTH_EXTRA + 2 * 16 * 16; // length
export const SLOT_1: usize = SLOT_0 + 128 * 4; // length, byte before
export const SLOT_2: usize = SLOT_1 + 128 * 1024; // length, last slot
export const SLOT_3: usize = SLOT_2 + 128 * 256; // bytes before, hashed
export const DISTANCE_TOP: usize = SLOT_3 + 128 * 4096; // slot, bits so far
export const ALIGN_0: usize = DISTANCE_TOP + 2 * 64 * 16; // nothing
export const ALIGN_1: usize = ALIGN_0 + 32; // slot
export const ALIGN_2: usize = ALIGN_1 + 32 * 64; // last distance
export const ALIGN_3: usize = ALIGN_2 + 32 * 16; // position
export const LITERAL_0: usize = ALIGN_3 + 32 * 16; // position
export const LITERAL_1: usize = LITERAL_0 + 4 * DIRECT_BYTES; // byte before
export const LITERAL_2: usize = LITERAL_1 + 256 * DIRECT_BYTES; // class, match byte
export const COUNTERS_END: usize = LITERAL_2 + 3 * 256 * DIRECT_BYTES;

/** Hashed flags: per context 2^16 entries of a check (u16) and a counter (u16). */
export const FLAG_TABLE_BITS: u32 = 16;
export const FLAG_TABLE_BYTES: usize = 4 << FLAG_TABLE_BITS;
export const FLAG_TABLES: usize = (COUNTERS_END + 63) & ~63;
/** Hashed lines: per context 2^LINE_TABLE_BITS lines. */
export const LINE_TABLE_BITS: u32 = 15;
export const LINE_TABLE_BYTES: usize = LINE_BYTES << LINE_TABLE_BITS;
export const LINE_TABLES: usize = FLAG_TABLES + 2 * FLAG_TABLE_BYTES;
export const LINE_TABLES_END: usize = LINE_TABLES + 3 * LINE_TABLE_BYTES;

/** Coded bytes on their way in or out; a token takes less than MAX_TOKEN_BYTES. */
export const CODED: usize = LINE_TABLES_END;
export const CODED_BYTES: u32 = 1 << 17;
export const MAX_TOKEN_BYTES: u32 = 256;

/** The end of the fixed part. */
export const MODEL_END: usize = CODED + <usize>CODED_BYTES + 64;

/** A piece of a segment that is worked on at once; no match crosses its end. */
export const PIECE_BYTES: u32 = 1 << 20;
