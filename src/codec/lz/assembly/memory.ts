// The memory map of an instance. The model and the area for coded bytes have fixed places; behind them come a decoder's
// window, or an encoder's buffer and search structures, which the loader makes room for.

import { CODED } from "../../assembly/layout";
import { LINE_BYTES, SETS_BYTES } from "../../assembly/nibble-layout";

/** Coded bytes on their way in or out; a token takes less than MAX_TOKEN_BYTES. */
export const CODED_BYTES: u32 = 1 << 17;
export const MAX_TOKEN_BYTES: u32 = 256;

/** What a decision of a 12-bit probability costs, u16, for the encoder's parser. */
export const COSTS: usize = CODED + <usize>CODED_BYTES + 64;
/** A line that knows nothing, for contexts that a price asks for and that are not there. */
export const FRESH_LINE: usize = COSTS + 2 * 4096;

/** Adaptive probability maps of the match flag: rows of 25 u16, padded to 32. */
export const MAP_ROW_BYTES: usize = 64;
export const MATCH_MAPS: usize = FRESH_LINE + 64;
export const MATCH_MAP_ROWS: usize = 256;

/** Weights of flags: an i16 for each of 8 inputs. */
export const WEIGHT_SET_BYTES: usize = 16;
export const MATCH_WEIGHTS_A: usize = MATCH_MAPS + MATCH_MAP_ROWS * MAP_ROW_BYTES;
export const MATCH_WEIGHTS_B: usize = MATCH_WEIGHTS_A + 64 * WEIGHT_SET_BYTES;
export const REP_WEIGHTS: usize = MATCH_WEIGHTS_B + 256 * WEIGHT_SET_BYTES;
export const FLAG_WEIGHTS_END: usize = REP_WEIGHTS + 5 * 16 * WEIGHT_SET_BYTES;

/** Sets of weights of symbols, by: */
export const LITERAL_SETS: usize = FLAG_WEIGHTS_END; // class; with the second nibble whether the first one agrees
export const LENGTH_SETS: usize = LITERAL_SETS + 9 * SETS_BYTES; // rep, nibble
export const DISTANCE_SETS: usize = LENGTH_SETS + 4 * SETS_BYTES; // length, nibble
export const LOWEST_SETS: usize = DISTANCE_SETS + 8 * SETS_BYTES; // how many bits
export const SETS_END: usize = LOWEST_SETS + 5 * SETS_BYTES;

/** Counters of flags that are not hashed, i16. */
export const MATCH_0: usize = SETS_END; // state, position
export const MATCH_1: usize = MATCH_0 + 2 * 64; // state, byte before
export const MATCH_2: usize = MATCH_1 + 2 * 16 * 256; // match byte, byte before
export const MATCH_3: usize = MATCH_2 + 2 * 65536; // literal run, last length
export const REP_0: usize = MATCH_3 + 2 * 512; // kind, state
export const REP_1: usize = REP_0 + 2 * 5 * 16; // kind, byte before
export const REP_2: usize = REP_1 + 2 * 5 * 256; // kind, match byte, whether after a match
export const REP_3: usize = REP_2 + 2 * 5 * 512; // kind, last length, literal run
export const COUNTERS_END: usize = REP_3 + 2 * 5 * 128;

/** Hashed flags: per context 2^16 entries of a check (u16) and a counter (u16). */
export const FLAG_TABLE_BITS: u32 = 14;
export const FLAG_TABLE_BYTES: usize = 4 << FLAG_TABLE_BITS;
export const FLAG_TABLES: usize = (COUNTERS_END + 63) & ~63;

/** Lines of symbols' distributions, all from here to LINES_END. */
export const LENGTH_0: usize = FLAG_TABLES + 2 * FLAG_TABLE_BYTES; // rep, position; all with the number of the nibble
export const LENGTH_1: usize = LENGTH_0 + 2 * 2 * 4 * LINE_BYTES; // rep, state
export const LENGTH_2: usize = LENGTH_1 + 2 * 2 * 16 * LINE_BYTES; // rep, byte before
export const LENGTH_3: usize = LENGTH_2 + 2 * 2 * 256 * LINE_BYTES; // rep, last length or match byte
export const SCALE_0: usize = LENGTH_3 + 2 * 2 * 512 * LINE_BYTES; // length
export const SCALE_1: usize = SCALE_0 + 4 * LINE_BYTES; // length, byte before
export const SCALE_2: usize = SCALE_1 + 4 * 256 * LINE_BYTES; // length, last slot
export const SCALE_3: usize = SCALE_2 + 4 * 64 * LINE_BYTES; // bytes before and length, hashed
export const FIRST_0: usize = SCALE_3 + 4096 * LINE_BYTES; // scale, length
export const FIRST_1: usize = FIRST_0 + 16 * 4 * LINE_BYTES; // scale, byte before
export const FIRST_2: usize = FIRST_1 + 16 * 256 * LINE_BYTES; // scale, last slot
export const FIRST_3: usize = FIRST_2 + 16 * 64 * LINE_BYTES; // scale, bytes before and length, hashed
export const LOWEST_0: usize = FIRST_3 + 4096 * LINE_BYTES; // logarithm
export const LOWEST_1: usize = LOWEST_0 + 32 * LINE_BYTES; // scale, first bits
export const LOWEST_2: usize = LOWEST_1 + 256 * LINE_BYTES; // how many bits, last distance
export const LOWEST_3: usize = LOWEST_2 + 5 * 16 * LINE_BYTES; // how many bits, position
/** A direct context of a byte: the line of its first nibble and the 16 of its second. */
export const DIRECT_BYTES: usize = 17 * LINE_BYTES;
export const LITERAL_0: usize = LOWEST_3 + 5 * 16 * LINE_BYTES; // byte before
export const LITERAL_1: usize = LITERAL_0 + 256 * DIRECT_BYTES; // class, match byte
export const LITERAL_2: usize = LITERAL_1 + 3 * 256 * DIRECT_BYTES; // byte before the last
/** Hashed lines: of the last two bytes, 2^LINE_TABLE_BITS. */
export const LINE_TABLE_BITS: u32 = 14;
export const LINE_TABLE: usize = LITERAL_2 + 256 * DIRECT_BYTES;
export const LINES_END: usize = LINE_TABLE + (LINE_BYTES << LINE_TABLE_BITS);

/** All that coding changes lies from here to LINES_END. */
export const LEARNED: usize = MATCH_MAPS;
export const LEARNED_BYTES: usize = LINES_END - LEARNED;

/** The end of the fixed part. */
export const MODEL_END: usize = LINES_END + 64;

/** A piece of a segment that is worked on at once; no match crosses its end. */
export const PIECE_BYTES: u32 = 1 << 20;
