// One binary decision: gather the counters' predictions, mix them, refine the result, code, and learn.
import { codeBit } from "./coder";
import { SQUASH_LIMIT, STRETCH } from "./memory";
import { squash } from "./tables";

/** Counters: 12 bits of probability above 4 bits of count, which stops at this. */
export const COUNT_LIMIT: i16 = 14;

/** A counter that knows nothing. */
export const FRESH: u16 = 0x8000;

/** Fractional bits of a weight: 2^16 is 1. Weights stay within 8, so that no sum of products leaves 32 bits. */
const WEIGHT_BITS: i32 = 16;
const WEIGHT_LIMIT: i32 = 8 << WEIGHT_BITS;
/** Products lose 5 bits before they are summed. */
const PRODUCT_SHIFT: i32 = 5;
const LEARN_SHIFT: i32 = 13;

@inline
function loadStretch(counter: u32): usize {
  return STRETCH + <usize>((counter >> 4) << 1);
}

@inline
function sum4(v: v128): i32 {
  const pairs = i32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

@inline
function dot(x0: v128, x1: v128, weights: usize): i32 {
  const products = i32x4.add(
    i32x4.shr_s(i32x4.mul(x0, v128.load(weights)), PRODUCT_SHIFT),
    i32x4.shr_s(i32x4.mul(x1, v128.load(weights, 16)), PRODUCT_SHIFT),
  );
  const sum = sum4(products) >> (WEIGHT_BITS - PRODUCT_SHIFT);
  return max(-SQUASH_LIMIT, min(SQUASH_LIMIT, sum));
}

@inline
function learnVector(x: v128, error: v128, weights: usize): void {
  const step = i32x4.shr_s(
    i32x4.add(i32x4.mul(x, error), i32x4.splat(1 << (LEARN_SHIFT - 1))),
    LEARN_SHIFT,
  );
  const moved = i32x4.add(v128.load(weights), step);
  v128.store(weights, i32x4.max_s(i32x4.splat(-WEIGHT_LIMIT), i32x4.min_s(i32x4.splat(WEIGHT_LIMIT), moved)));
}

@inline
function learnWeights(x0: v128, x1: v128, error: i32, weights: usize): void {
  const errors = i32x4.splat(error);
  learnVector(x0, errors, weights);
  learnVector(x1, errors, weights + 16);
}

/** New values of 8 counters: p += (target - p) * rate(count), rounded; count + 1 up to the limit. */
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
 * Code or decode one bit.
 *
 * @param slots - 8 addresses; the counters are `offset` bytes behind them.
 * @param weightsA - the first mixer's weight set, `weightsB` - the second's.
 * @param apmRow - the row of the adaptive probability map.
 */
export function codeDecision(
  bit: i32,
  slots: usize,
  offset: usize,
  weightsA: usize,
  weightsB: usize,
  apmRow: usize,
): i32 {
  const a0 = <usize>load<u32>(slots) + offset;
  const a1 = <usize>load<u32>(slots, 4) + offset;
  const a2 = <usize>load<u32>(slots, 8) + offset;
  const a3 = <usize>load<u32>(slots, 12) + offset;
  const a4 = <usize>load<u32>(slots, 16) + offset;
  const a5 = <usize>load<u32>(slots, 20) + offset;
  const a6 = <usize>load<u32>(slots, 24) + offset;
  const a7 = <usize>load<u32>(slots, 28) + offset;
  const c0 = <u32>load<u16>(a0);
  const c1 = <u32>load<u16>(a1);
  const c2 = <u32>load<u16>(a2);
  const c3 = <u32>load<u16>(a3);
  const c4 = <u32>load<u16>(a4);
  const c5 = <u32>load<u16>(a5);
  const c6 = <u32>load<u16>(a6);
  const c7 = <u32>load<u16>(a7);
  let inputs = i16x8.splat(load<i16>(loadStretch(c0)));
  inputs = v128.load16_lane(loadStretch(c1), inputs, 1);
  inputs = v128.load16_lane(loadStretch(c2), inputs, 2);
  inputs = v128.load16_lane(loadStretch(c3), inputs, 3);
  inputs = v128.load16_lane(loadStretch(c4), inputs, 4);
  inputs = v128.load16_lane(loadStretch(c5), inputs, 5);
  inputs = v128.load16_lane(loadStretch(c6), inputs, 6);
  inputs = v128.load16_lane(loadStretch(c7), inputs, 7);
  const x0 = i32x4.extend_low_i16x8_s(inputs);
  const x1 = i32x4.extend_high_i16x8_s(inputs);

  const mixedA = dot(x0, x1, weightsA);
  const mixedB = dot(x0, x1, weightsB);
  const mixed = (mixedA + mixedB) >> 1;

  // The map refines the mixed probability between two of its knots, 256 apart.
  const scaled = mixed + 3072;
  const knot = apmRow + (<usize>(scaled >> 8) << 1);
  const share = scaled & 255;
  const refined = (<i32>load<u16>(knot) * (256 - share) + <i32>load<u16>(knot, 2) * share) >> 8;
  const probability = max(1, min(65535, (squash(mixed) + refined * 3 + 2) >> 2));

  bit = codeBit(bit, probability);

  const wanted = bit ? 65535 : 0;
  learnWeights(x0, x1, wanted - squash(mixedA), weightsA);
  learnWeights(x0, x1, wanted - squash(mixedB), weightsB);
  const nearest = knot + (<usize>(share >> 7) << 1);
  const held = <i32>load<u16>(nearest);
  store<u16>(nearest, held + ((wanted - held) >> 6));

  let counters = i16x8.splat(<i16>c0);
  counters = i16x8.replace_lane(counters, 1, <i16>c1);
  counters = i16x8.replace_lane(counters, 2, <i16>c2);
  counters = i16x8.replace_lane(counters, 3, <i16>c3);
  counters = i16x8.replace_lane(counters, 4, <i16>c4);
  counters = i16x8.replace_lane(counters, 5, <i16>c5);
  counters = i16x8.replace_lane(counters, 6, <i16>c6);
  counters = i16x8.replace_lane(counters, 7, <i16>c7);
  const target = i16x8.splat(bit ? 4095 : 0);
  counters = learnCounters(counters, target);
  v128.store16_lane(a0, counters, 0);
  v128.store16_lane(a1, counters, 1);
  v128.store16_lane(a2, counters, 2);
  v128.store16_lane(a3, counters, 3);
  v128.store16_lane(a4, counters, 4);
  v128.store16_lane(a5, counters, 5);
  v128.store16_lane(a6, counters, 6);
  v128.store16_lane(a7, counters, 7);
  return bit;
}
