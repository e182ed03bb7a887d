// Symbols of 4 bits, each coded at once. Four contexts have a distribution each, and the weights of the mixture are how probable it
// has been that a symbol came from this one or that. Against four binary decisions that are mixed in the logistic domain it
// makes literals 5 % larger, and decodes them three times as fast.
import { LINES } from "./layout";
import { LINE_BYTES, MIXED, RATES, TARGETS, WEIGHTS_BYTES } from "./nibble-layout";
import { decoding, findShare, takeShares } from "./shares";

/** Shares that probabilities are told in. */
export const SHARE_BITS: u32 = 15;
const ONE: i32 = 1 << SHARE_BITS;

/** How far a distribution stays from certainty, for each symbol. */
const LEAST: i32 = 2;
/** Weights move by 1/32 of the way. */
const WEIGHT_RATE: i32 = 5;
/** The part of a weight's target that is the same for all: 1/64. */
const LEAK_SHIFT: i32 = 6;
const LEAK: i32 = ONE >> (LEAK_SHIFT + 2);
/** A count's class, 2 bits each: 0, 1 or 2, 3 to 7, more. */
const CLASSES: u32 = 0xffffaa94;

// A line is 16 i16: its state, a check of 12 bits above a count of 4, and for the symbols 1 to 15 the probability of those below
// it, less 2,048 for each of them: so a line of zeros knows nothing, as memory is that nothing has touched.
@inline
function shares(line: usize): v128 {
  return i16x8.add(v128.load(line), i16x8(0, 2048, 4096, 6144, 8192, 10240, 12288, 14336));
}
@inline
function upperShares(line: usize): v128 {
  return i16x8.add(v128.load(line, 16), i16x8(16384, 18432, 20480, 22528, 24576, 26624, 28672, 30720));
}

/** The probability of a symbol by one line. */
@inline
export function shareOf(line: usize, symbol: u32): i32 {
  const at = line + (<usize>symbol << 1);
  const from = symbol == 0 ? 0 : <i32>load<i16>(at);
  const to = symbol == 15 ? 0 : <i32>load<i16>(at, 2);
  return to - from + 2048;
}

@inline
function learnLine(line: usize, state: u32, target: usize): void {
  const rate = v128.load16_splat(RATES + <usize>((state & 15) << 1));
  const lower = v128.load(line);
  const upper = v128.load(line, 16);
  const moved = i16x8.add(lower, i16x8.q15mulr_sat_s(i16x8.sub(v128.load(target), lower), rate));
  v128.store(line, i16x8.replace_lane(moved, 0, <i16>(state + u32((state & 15) < 15))));
  v128.store(line, i16x8.add(upper, i16x8.q15mulr_sat_s(i16x8.sub(v128.load(target, 16), upper), rate)), 16);
}

@inline
function classOf(state: u32): u32 {
  return (CLASSES >> ((state & 15) << 1)) & 3;
}

@inline
export function lineAt(index: u32): usize {
  return <usize>load<u32>(LINES + (<usize>index << 2));
}

/** Take `line` as number `index` of the four that the next symbol is coded from. */
@inline
export function setLine(index: u32, line: usize): void {
  store<u32>(LINES + (<usize>index << 2), <u32>line);
}

/** The line of a hashed context in a table of 2^bits lines; one that another context had becomes fresh. */
@inline
export function findLine(table: usize, bits: u32, hash: u32): usize {
  const mixed = hash ^ (hash >> 13);
  const line = table + <usize>(mixed >> (32 - bits)) * LINE_BYTES;
  const check = (mixed & 0xfff) << 4;
  if ((load<u16>(line) & 0xfff0) != check) {
    const fresh = i16x8.splat(0);
    v128.store(line, i16x8.replace_lane(fresh, 0, <i16>check));
    v128.store(line, fresh, 16);
  }
  return line;
}

/** The line of a hashed context if it is there, else `none`. */
@inline
export function peekLine(table: usize, bits: u32, hash: u32, none: usize): usize {
  const mixed = hash ^ (hash >> 13);
  const line = table + <usize>(mixed >> (32 - bits)) * LINE_BYTES;
  return select<usize>(line, none, (load<u16>(line) & 0xfff0) == (mixed & 0xfff) << 4);
}

/** The weights, by how much three of the lines have seen. */
@inline
export function weightsOf(sets: usize, state1: u32, state2: u32, state3: u32): usize {
  return sets + <usize>(classOf(state1) | (classOf(state2) << 2) | (classOf(state3) << 4)) * WEIGHTS_BYTES;
}

/**
 * Code or decode a symbol from the four lines whose addresses are at LINES.
 *
 * @param sets - 64 sets of weights.
 */
export function codeNibble(symbol: u32, sets: usize): u32 {
  const l0 = lineAt(0);
  const l1 = lineAt(1);
  const l2 = lineAt(2);
  const l3 = lineAt(3);
  const state0 = <u32>load<u16>(l0);
  const state1 = <u32>load<u16>(l1);
  const state2 = <u32>load<u16>(l2);
  const state3 = <u32>load<u16>(l3);
  const weights = weightsOf(sets, state1, state2, state3);
  const w0 = v128.load16_splat(weights);
  const w1 = v128.load16_splat(weights, 4);
  const w2 = v128.load16_splat(weights, 8);
  const w3 = v128.load16_splat(weights, 12);
  let lower = i16x8.add_sat_s(
    i16x8.add_sat_s(i16x8.q15mulr_sat_s(shares(l0), w0), i16x8.q15mulr_sat_s(shares(l1), w1)),
    i16x8.add_sat_s(i16x8.q15mulr_sat_s(shares(l2), w2), i16x8.q15mulr_sat_s(shares(l3), w3)),
  );
  let upper = i16x8.add_sat_s(
    i16x8.add_sat_s(i16x8.q15mulr_sat_s(upperShares(l0), w0), i16x8.q15mulr_sat_s(upperShares(l1), w1)),
    i16x8.add_sat_s(i16x8.q15mulr_sat_s(upperShares(l2), w2), i16x8.q15mulr_sat_s(upperShares(l3), w3)),
  );
  // Each symbol has a share at least.
  lower = i16x8.add(i16x8.sub(lower, i16x8.shr_s(lower, 11)), i16x8(0, 1, 2, 3, 4, 5, 6, 7));
  upper = i16x8.add(i16x8.sub(upper, i16x8.shr_s(upper, 11)), i16x8(8, 9, 10, 11, 12, 13, 14, 15));
  lower = i16x8.replace_lane(lower, 0, 0);
  v128.store(MIXED, lower);
  v128.store(MIXED, upper, 16);
  if (decoding) {
    const share = i16x8.splat(<i16>findShare(SHARE_BITS));
    symbol = popcnt(i16x8.bitmask(i16x8.le_s(lower, share)) | (i16x8.bitmask(i16x8.le_s(upper, share)) << 8)) - 1;
  }
  const mixed = MIXED + (<usize>symbol << 1);
  takeShares(<u32>load<u16>(mixed), <u32>load<u16>(mixed, 2), SHARE_BITS);

  // How probable it was that the symbol came from this line or that.
  const held = v128.load(weights);
  let by = i32x4.splat(shareOf(l0, symbol));
  by = i32x4.replace_lane(by, 1, shareOf(l1, symbol));
  by = i32x4.replace_lane(by, 2, shareOf(l2, symbol));
  by = i32x4.replace_lane(by, 3, shareOf(l3, symbol));
  by = i32x4.mul(by, held);
  const pairs = i32x4.add(by, v128.shuffle<i32>(by, by, 2, 3, 0, 1));
  const all = max<u32>(1, <u32>(i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)));
  const shift = clz(all);
  const inverse = 0x80000000 / ((<u32>all << shift) >> 16);
  by = i32x4.shr_u(i32x4.shl(by, shift), 16);
  by = i32x4.shr_u(i32x4.mul(by, i32x4.splat(inverse)), 16);
  by = i32x4.add(i32x4.sub(by, i32x4.shr_s(by, LEAK_SHIFT)), i32x4.splat(LEAK));
  by = i32x4.add(held, i32x4.shr_s(i32x4.sub(by, held), WEIGHT_RATE));
  const rest = ONE - i32x4.extract_lane(by, 0) - i32x4.extract_lane(by, 1) - i32x4.extract_lane(by, 2);
  v128.store(weights, i32x4.replace_lane(by, 3, rest));

  const target = TARGETS + (<usize>symbol << 5);
  learnLine(l0, state0, target);
  learnLine(l1, state1, target);
  learnLine(l2, state2, target);
  learnLine(l3, state3, target);
  return symbol;
}

/** Fill in the tables. */
export function prepareNibbles(): void {
  for (let count = 0; count < 15; count++) store<u16>(RATES + (<usize>count << 1), <u16>(65536 / (2 * count + 3)));
  store<u16>(RATES + 30, 32768 / 64);
  for (let symbol = 0; symbol < 16; symbol++) {
    for (let i = 0; i < 16; i++) {
      const share = i <= symbol ? i * LEAST : ONE - (16 - i) * LEAST;
      store<i16>(TARGETS + (<usize>symbol << 5) + (<usize>i << 1), <i16>(share - i * 2048));
    }
  }
  store<u16>(MIXED + 32, <u16>ONE);
}

/** Prepare sets of weights: all lines count the same. */
export function prepareWeightSets(from: usize, to: usize): void {
  for (let at = from; at < to; at += 4) store<i32>(at, ONE / 4);
}
