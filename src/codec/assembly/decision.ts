// One binary decision: gather the counters' predictions, mix them, refine the result, code, and learn.
import { codeBit } from "./coder";
import { dot, learnCounters, stretchOf, targetOf } from "./counters";
import { squash } from "./tables";

/** What counts stop at. */
const COUNT_LIMIT: i16 = 14;

/** Fractional bits of a weight: 2^13 is 1. */
const WEIGHT_BITS: i32 = 13;

/**
 * Code or decode one bit.
 *
 * @param slots - 8 addresses; the counters are `offset` bytes behind them.
 * @param weightsA - the first mixer's weight set, `weightsB` - the second's.
 * @param apmRow - the row of the adaptive probability map.
 * @param errorShift - how many bits of the error the weights do not see: the fewer, the faster they learn.
 */
export function codeDecision(
  bit: i32,
  slots: usize,
  offset: usize,
  weightsA: usize,
  weightsB: usize,
  apmRow: usize,
  errorShift: i32 = 2,
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
  let x = i16x8.splat(load<i16>(stretchOf(a0)));
  x = v128.load16_lane(stretchOf(a1), x, 1);
  x = v128.load16_lane(stretchOf(a2), x, 2);
  x = v128.load16_lane(stretchOf(a3), x, 3);
  x = v128.load16_lane(stretchOf(a4), x, 4);
  x = v128.load16_lane(stretchOf(a5), x, 5);
  x = v128.load16_lane(stretchOf(a6), x, 6);
  x = v128.load16_lane(stretchOf(a7), x, 7);

  const heldA = v128.load(weightsA);
  const heldB = v128.load(weightsB);
  const mixed = dot(x, i16x8.add_sat_s(heldA, heldB), WEIGHT_BITS);
  const plain = squash(mixed);

  // The map refines the mixed probability between two of its knots, 256 apart.
  const scaled = mixed + 3072;
  const knot = apmRow + (<usize>(scaled >> 8) << 1);
  const share = scaled & 255;
  const refined = (<i32>load<u16>(knot) * (256 - share) + <i32>load<u16>(knot, 2) * share) >> 8;
  const probability = max(1, min(65535, (plain + refined * 3 + 2) >> 2));

  bit = codeBit(bit, probability);

  const wanted = -bit & 65535;
  const error = i16x8.splat(<i16>((wanted - plain) >> errorShift));
  const step = i16x8.q15mulr_sat_s(x, error);
  v128.store(weightsA, i16x8.add_sat_s(heldA, step));
  v128.store(weightsB, i16x8.add_sat_s(heldB, step));
  const nearest = knot + (<usize>(share >> 7) << 1);
  const held = <i32>load<u16>(nearest);
  store<u16>(nearest, held + ((wanted - held) >> 6));

  counters = learnCounters(counters, targetOf(bit), COUNT_LIMIT);
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
