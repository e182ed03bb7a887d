// Counters, and how their predictions are mixed: what the decisions of all models have in common.
import { SQUASH_LIMIT, STRETCH } from "./layout";

/**
 * Counters are i16: 12 bits of probability less a half, above 4 bits of count. So one that knows nothing is zero, as memory is that
 * nothing has touched: preparing the tables of a model took 10 to 40 ms, as long as many a small delta takes to apply.
 */
const HALF: i32 = 2048;

/** The probability (12 bits) that a counter tells. */
@inline
export function loadProbability(counter: usize): i32 {
  return (<i32>load<i16>(counter) >> 4) + HALF;
}

/** A counter that tells this probability (12 bits) and has seen so much. */
@inline
export function makeCounter(probability: i32, count: i32): u16 {
  return <u16>(((probability - HALF) << 4) | count);
}

/** What a counter predicts, in the logistic domain: where it is in the table. */
@inline
export function stretchOf(counter: usize): usize {
  return STRETCH + 2 * HALF + <usize>((<i32>load<i16>(counter) >> 4) << 1);
}

/** What learned counters move to. */
@inline
export function targetOf(bit: i32): v128 {
  return i16x8.splat(<i16>((-bit & 4095) - HALF));
}

/** The mixed prediction; weights have `weightBits` fractional bits. */
@inline
export function dot(x: v128, weights: v128, weightBits: i32): i32 {
  const products = i32x4.dot_i16x8_s(x, weights);
  const pairs = i32x4.add(products, v128.shuffle<i32>(products, products, 2, 3, 0, 1));
  const sum = (i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)) >> weightBits;
  return max(-SQUASH_LIMIT, min(SQUASH_LIMIT, sum));
}

/** New values of 8 counters, with `target` of {@link targetOf}: p += (target - p) * rate(count), rounded; count + 1 up to `countLimit`. */
@inline
export function learnCounters(counters: v128, target: v128, countLimit: i16): v128 {
  const p = i16x8.shr_s(counters, 4);
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
  const count = i16x8.min_u(i16x8.add(n, i16x8.splat(1)), i16x8.splat(countLimit));
  return v128.or(i16x8.shl(moved, 4), count);
}
