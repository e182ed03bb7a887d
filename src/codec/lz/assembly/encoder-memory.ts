// What only an encoder has in memory, behind the model.
import { LEARNED_BYTES, MODEL_END } from "./memory";

/** Positions that are parsed at once, and the longest match that is looked at byte by byte. */
export const BLOCK: u32 = 4096;
export const MAX_NICE: u32 = 273;

/** The parser's nodes. */
export const NODE_BYTES: usize = 48;
export const NODES: usize = (MODEL_END + 63) & ~63;
export const NODES_COUNT: u32 = BLOCK + 3 * MAX_NICE + 16;
/** Tokens of a parsed block, in reverse: node numbers. */
export const PATH: usize = NODES + <usize>NODES_COUNT * NODE_BYTES;
/** Pairs of length and distance. */
export const MATCHES: usize = PATH + 4 * <usize>NODES_COUNT;
/** Prices: of lengths, by rep and position; of scales, by length; of the lowest bits of distances, by logarithm. */
export const LENGTH_PRICES: usize = MATCHES + 8 * 512;
export const SCALE_PRICES: usize = LENGTH_PRICES + 4 * 8 * 512;
export const LOWEST_PRICES: usize = SCALE_PRICES + 4 * 4 * 256;
export const HASH2: usize = (LOWEST_PRICES + 4 * 32 * 16 + 63) & ~63;
export const HASH3: usize = HASH2 + 4 * 65536;
export const HASH3_BITS: u32 = 16;
/** What the model had learned before a segment. */
export const KEPT: usize = HASH3 + (4 << HASH3_BITS);
/** Matches on their way between instances: in chunks. */
export const FOUND: usize = KEPT + LEARNED_BYTES;
export const FOUND_CHUNK_BYTES: usize = 1 << 20;
