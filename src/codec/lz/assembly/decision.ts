// One binary decision: gather the counters' predictions, mix them, refine the result, code, and learn.
import { codeBit } from "./coder";
import { SLOTS, SQUASH_LIMIT, STRETCH } from "./memory";
import { costOf, squash } from "./tables";

/** A counter that knows nothing: 12 bits of probability above 4 bits of count. */
export const FRESH: u16 = 0x8000;
/** What counts stop at. */
const COUNT_LIMIT: i16 = 15;

/** Fractional bits of a weight. */
const WEIGHT_BITS: i32 = 14;
const MAP_RATE: i32 = 6;

@inline
function loadStretch(counter: u32): usize {
  return STRETCH + <usize>((counter >> 4) << 1);
}

@inline
function dot(x: v128, weights: v128): i32 {
  const sums = i32x4.dot_i16x8_s(x, weights);
  const pairs = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
  const sum = (i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)) >> WEIGHT_BITS;
  return max(-SQUASH_LIMIT, min(SQUASH_LIMIT, sum));
}


/** New values of the counters: p += (target - p) * rate(count), rounded; count + 1 up to the limit. */
@inline
function learnCounters(counters: v128, target: v128): v128 {
  const p = i16x8.shr_u(counters, 4);
  const n = v128.and(counters, i16x8.splat(15));
  // The rate of each lane, 32768 / (n + 1.5), looked up by bytes: 2n and 2n + 1.
  const index = i16x8.add(i16x8.mul(n, i16x8.splat(0x0202)), i16x8.splat(0x0100));
  const rates = v128.or(
    i8x16.swizzle(i16x8(21845, 13107, 9362, 7281, 5957, 5041, 4369, 3855), index),
    i8x16.swizzle(
      i16x8(3449, 3120, 2849, 2621, 2427, 2259, 2114, 1985),
      i8x16.sub(index, i8x16.splat(16)),
    ),
  );
  const moved = i16x8.add(p, i16x8.q15mulr_sat_s(i16x8.sub(target, p), rates));
  const count = i16x8.min_u(i16x8.add(n, i16x8.splat(1)), i16x8.splat(COUNT_LIMIT));
  return v128.or(i16x8.shl(moved, 4), count);
}

/**
 * Code or decode one bit from the 6 counters whose addresses are at SLOTS, plus `offset` bytes.
 *
 * @param weightsA - a weight set, to which the one at `weightsB` is added.
 * @param mapRow - the row of the adaptive probability map.
 */
export function codeDecision(bit: i32, offset: usize, weightsA: usize, weightsB: usize, mapRow: usize): i32 {
  const a0 = <usize>load<u32>(SLOTS) + offset;
  const a1 = <usize>load<u32>(SLOTS, 4) + offset;
  const a2 = <usize>load<u32>(SLOTS, 8) + offset;
  const a3 = <usize>load<u32>(SLOTS, 12) + offset;
  const a4 = <usize>load<u32>(SLOTS, 16) + offset;
  const a5 = <usize>load<u32>(SLOTS, 20) + offset;
  let counters = v128.load16_lane(a0, i16x8.splat(0), 0);
  counters = v128.load16_lane(a1, counters, 1);
  counters = v128.load16_lane(a2, counters, 2);
  counters = v128.load16_lane(a3, counters, 3);
  counters = v128.load16_lane(a4, counters, 4);
  counters = v128.load16_lane(a5, counters, 5);
  let x = v128.load16_lane(loadStretch(<u32>load<u16>(a0)), i16x8.splat(0), 0);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a1)), x, 1);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a2)), x, 2);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a3)), x, 3);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a4)), x, 4);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a5)), x, 5);

  const heldA = v128.load(weightsA);
  const heldB = v128.load(weightsB);
  const mixed = dot(x, i16x8.add_sat_s(heldA, heldB));
  const plain = squash(mixed);

  // The map refines the mixed probability between two of its knots, 256 apart.
  const scaled = mixed + 3072;
  const knot = mapRow + (<usize>(scaled >> 8) << 1);
  const share = scaled & 255;
  const refined = (<i32>load<u16>(knot) * (256 - share) + <i32>load<u16>(knot, 2) * share) >> 8;
  const probability = (plain + refined + 1) >> 1;

  bit = codeBit(bit, probability);

  const wanted = bit ? 65535 : 0;
  const step = i16x8.q15mulr_sat_s(x, i16x8.splat(<i16>((wanted - plain) >> 2)));
  v128.store(weightsA, i16x8.add_sat_s(heldA, step));
  v128.store(weightsB, i16x8.add_sat_s(heldB, step));
  const nearest = knot + (<usize>(share >> 7) << 1);
  const held = <i32>load<u16>(nearest);
  store<u16>(nearest, held + ((wanted - held) >> MAP_RATE));

  counters = learnCounters(counters, i16x8.splat(bit ? 4095 : 0));
  v128.store16_lane(a0, counters, 0);
  v128.store16_lane(a1, counters, 1);
  v128.store16_lane(a2, counters, 2);
  v128.store16_lane(a3, counters, 3);
  v128.store16_lane(a4, counters, 4);
  v128.store16_lane(a5, counters, 5);
  return bit;
}

/** Code or decode one bit from 4 counters, with one mixer and no map: enough for what is seldom or seldom surprising. */
export function codeSmallDecision(bit: i32, a0: usize, a1: usize, a2: usize, a3: usize, weights: usize): i32 {
  let counters = v128.load16_lane(a0, i16x8.splat(0), 0);
  counters = v128.load16_lane(a1, counters, 1);
  counters = v128.load16_lane(a2, counters, 2);
  counters = v128.load16_lane(a3, counters, 3);
  let x = v128.load16_lane(loadStretch(<u32>load<u16>(a0)), i16x8.splat(0), 0);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a1)), x, 1);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a2)), x, 2);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a3)), x, 3);
  const held = v128.load(weights);
  const p = squash(dot(x, held));
  bit = codeBit(bit, p);
  const wanted = bit ? 65535 : 0;
  const step = i16x8.q15mulr_sat_s(x, i16x8.splat(<i16>((wanted - p) >> 1)));
  v128.store(weights, i16x8.add_sat_s(held, step));

  counters = learnCounters(counters, i16x8.splat(bit ? 4095 : 0));
  v128.store16_lane(a0, counters, 0);
  v128.store16_lane(a1, counters, 1);
  v128.store16_lane(a2, counters, 2);
  v128.store16_lane(a3, counters, 3);
  return bit;
}

/** Code or decode one bit from one counter. */
export function codeSimpleBit(bit: i32, counter: usize): i32 {
  const held = <i32>load<u16>(counter);
  const p = held >> 4;
  const n = held & 15;
  bit = codeBit(bit, (p << 4) + 8);
  const rate = 65536 / (2 * n + 3);
  const moved = p + (((bit * 4095 - p) * rate + 0x4000) >> 15);
  store<u16>(counter, (moved << 4) | min(n + 1, <i32>COUNT_LIMIT));
  return bit;
}

/** What `codeDecision` would cost, from its mixer alone. */
export function priceDecision(bit: u32, offset: usize, weightsA: usize, weightsB: usize): u32 {
  let x = v128.load16_lane(loadStretch(load<u16>(<usize>load<u32>(SLOTS) + offset)), i16x8.splat(0), 0);
  x = v128.load16_lane(loadStretch(load<u16>(<usize>load<u32>(SLOTS, 4) + offset)), x, 1);
  x = v128.load16_lane(loadStretch(load<u16>(<usize>load<u32>(SLOTS, 8) + offset)), x, 2);
  x = v128.load16_lane(loadStretch(load<u16>(<usize>load<u32>(SLOTS, 12) + offset)), x, 3);
  x = v128.load16_lane(loadStretch(load<u16>(<usize>load<u32>(SLOTS, 16) + offset)), x, 4);
  x = v128.load16_lane(loadStretch(load<u16>(<usize>load<u32>(SLOTS, 20) + offset)), x, 5);
  const mixed = dot(x, i16x8.add_sat_s(v128.load(weightsA), v128.load(weightsB)));
  return costOf(bit, <u32>squash(mixed) >> 4);
}
