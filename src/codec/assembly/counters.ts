// Counters, and how their predictions are mixed: what the decisions of all models have in common.
import { SQUASH_LIMIT, STRETCH } from "./layout";

/** A counter that knows nothing: 12 bits of probability above 4 bits of count. */
export const FRESH: u16 = 0x8000;

/** Where the prediction of a counter is, in the logistic domain. */
@inline
export function loadStretch(counter: u32): usize {
  return STRETCH + <usize>((counter >> 4) << 1);
}

/** The mixed prediction; weights have `weightBits` fractional bits. */
@inline
export function dot(x: v128, weights: v128, weightBits: i32): i32 {
  const products = i32x4.dot_i16x8_s(x, weights);
  const pairs = i32x4.add(products, v128.shuffle<i32>(products, products, 2, 3, 0, 1));
  const sum = (i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)) >> weightBits;
  return max(-SQUASH_LIMIT, min(SQUASH_LIMIT, sum));
}

/** New values of 8 counters: p += (target - p) * rate(count), rounded; count + 1 up to `countLimit`. */
@inline
export function learnCounters(counters: v128, target: v128, countLimit: i16): v128 {
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
  const count = i16x8.min_u(i16x8.add(n, i16x8.splat(1)), i16x8.splat(countLimit));
  return v128.or(i16x8.shl(moved, 4), count);
}
