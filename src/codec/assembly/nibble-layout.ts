// What coding by nibbles needs beside lines and weights: in the part of the memory that all models share.
import { CODED } from "./layout";

/** The mixed distribution of a symbol: 17 u16. */
export const MIXED: usize = CODED - 1024;
/** By how much a line learns that has seen so much, u16; what its shares move to, a line for each symbol. */
export const RATES: usize = MIXED + 64;
export const TARGETS: usize = RATES + 32;

/** The distribution of a symbol in one context. */
export const LINE_BYTES: usize = 32;
/** Weights of symbols: an i32 for each of 4 lines; there are 64 sets for each kind of symbol. */
export const WEIGHTS_BYTES: usize = 16;
export const SETS_BYTES: usize = 64 * WEIGHTS_BYTES;
