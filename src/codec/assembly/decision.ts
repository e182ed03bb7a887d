// One binary decision: gather the counters' predictions, mix them, refine the result, code, and learn.
import { codeBit } from "./coder";
import { SQUASH_LIMIT, STRETCH } from "./layout";
import { squash } from "./tables";

/** Counters: 12 bits of probability above 4 bits of count, which stops at this. */
export const COUNT_LIMIT: i16 = 14;

/** A counter that knows nothing. */
export const FRESH: u16 = 0x8000;

/** Fractional bits of a weight: 2^13 is 1. */
const WEIGHT_BITS: i32 = 13;

@inline
function loadStretch(counter: u32): usize {
  return STRETCH + <usize>((counter >> 4) << 1);
}

@inline
function dot(x: v128, weights: v128): i32 {
  const products = i32x4.dot_i16x8_s(x, weights);
  const pairs = i32x4.add(products, v128.shuffle<i32>(products, products, 2, 3, 0, 1));
  const sum = (i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)) >> WEIGHT_BITS;
  return max(-SQUASH_LIMIT, min(SQUASH_LIMIT, sum));
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
  let counters = i16x8.splat(load<i16>(a0));
  counters = v128.load16_lane(a1, counters, 1);
  counters = v128.load16_lane(a2, counters, 2);
  counters = v128.load16_lane(a3, counters, 3);
  counters = v128.load16_lane(a4, counters, 4);
  counters = v128.load16_lane(a5, counters, 5);
  counters = v128.load16_lane(a6, counters, 6);
  counters = v128.load16_lane(a7, counters, 7);
  let x = i16x8.splat(load<i16>(loadStretch(<u32>load<u16>(a0))));
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a1)), x, 1);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a2)), x, 2);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a3)), x, 3);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a4)), x, 4);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a5)), x, 5);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a6)), x, 6);
  x = v128.load16_lane(loadStretch(<u32>load<u16>(a7)), x, 7);

  const heldA = v128.load(weightsA);
  const heldB = v128.load(weightsB);
  const mixed = dot(x, i16x8.add_sat_s(heldA, heldB));
  const plain = squash(mixed);

  // The map refines the mixed probability between two of its knots, 256 apart.
  const scaled = mixed + 3072;
  const knot = apmRow + (<usize>(scaled >> 8) << 1);
  const share = scaled & 255;
  const refined = (<i32>load<u16>(knot) * (256 - share) + <i32>load<u16>(knot, 2) * share) >> 8;
  const probability = max(1, min(65535, (plain + refined * 3 + 2) >> 2));

  bit = codeBit(bit, probability);

  const wanted = -bit & 65535;
  const error = i16x8.splat(<i16>((wanted - plain) >> 2));
  const step = i16x8.q15mulr_sat_s(x, error);
  v128.store(weightsA, i16x8.add_sat_s(heldA, step));
  v128.store(weightsB, i16x8.add_sat_s(heldB, step));
  const nearest = knot + (<usize>(share >> 7) << 1);
  const held = <i32>load<u16>(nearest);
  store<u16>(nearest, held + ((wanted - held) >> 6));

  const target = i16x8.splat(<i16>(-bit & 4095));
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
