// A binary decision as other models have it (`../../assembly/decision.ts`), but with only as many counters as are worth their time,
// and without a map behind the mixed prediction: that saved 0.9 to 1.4 % of bytes and took an eighth of the time.
import { codeBit } from "../../assembly/coder";
import { dot, learnCounters, stretchOf, targetOf } from "../../assembly/counters";
import { squash } from "../../assembly/tables";

/** What counts stop at. */
const COUNT_LIMIT: i16 = 14;
/** Fractional bits of a weight: 2^13 is 1. */
const WEIGHT_BITS: i32 = 13;
/** How many bits of the error the weights do not see. */
const ERROR_SHIFT: i32 = 2;

@inline
function addressAt(slots: usize, index: usize, offset: usize): usize {
  return <usize>load<u32>(slots + (index << 2)) + offset;
}

/**
 * Code or decode one bit.
 *
 * @param count - counters: 3 or 6, a constant. Lanes without one are 0, which adds nothing and learns nothing.
 * @param slots - their addresses; the counters are `offset` bytes behind them.
 * @param weightsA - the first mixer's weight set, `weightsB` - the second's.
 */
@inline
export function codeDecision(count: i32, bit: i32, slots: usize, offset: usize, weightsA: usize, weightsB: usize): i32 {
  const a0 = addressAt(slots, 0, offset);
  const a1 = addressAt(slots, 1, offset);
  const a2 = addressAt(slots, 2, offset);
  let counters = v128.load16_lane(a0, i16x8.splat(0), 0);
  counters = v128.load16_lane(a1, counters, 1);
  counters = v128.load16_lane(a2, counters, 2);
  let x = v128.load16_lane(stretchOf(a0), i16x8.splat(0), 0);
  x = v128.load16_lane(stretchOf(a1), x, 1);
  x = v128.load16_lane(stretchOf(a2), x, 2);
  let a3: usize = 0;
  let a4: usize = 0;
  let a5: usize = 0;
  if (count > 3) {
    a3 = addressAt(slots, 3, offset);
    a4 = addressAt(slots, 4, offset);
    a5 = addressAt(slots, 5, offset);
    counters = v128.load16_lane(a3, counters, 3);
    counters = v128.load16_lane(a4, counters, 4);
    counters = v128.load16_lane(a5, counters, 5);
    x = v128.load16_lane(stretchOf(a3), x, 3);
    x = v128.load16_lane(stretchOf(a4), x, 4);
    x = v128.load16_lane(stretchOf(a5), x, 5);
  }

  const heldA = v128.load(weightsA);
  const heldB = v128.load(weightsB);
  const probability = squash(dot(x, i16x8.add_sat_s(heldA, heldB), WEIGHT_BITS));
  bit = codeBit(bit, probability);

  const error = i16x8.splat(<i16>(((-bit & 65535) - probability) >> ERROR_SHIFT));
  const step = i16x8.q15mulr_sat_s(x, error);
  v128.store(weightsA, i16x8.add_sat_s(heldA, step));
  v128.store(weightsB, i16x8.add_sat_s(heldB, step));

  counters = learnCounters(counters, targetOf(bit), COUNT_LIMIT);
  v128.store16_lane(a0, counters, 0);
  v128.store16_lane(a1, counters, 1);
  v128.store16_lane(a2, counters, 2);
  if (count > 3) {
    v128.store16_lane(a3, counters, 3);
    v128.store16_lane(a4, counters, 4);
    v128.store16_lane(a5, counters, 5);
  }
  return bit;
}
