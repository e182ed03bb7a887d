// One binary decision: gather the counters' predictions, mix them, refine the result, code, and learn.
import { codeBit } from "../../assembly/shares";
import { dot, learnCounters, stretchOf, targetOf } from "../../assembly/counters";
import { squash } from "../../assembly/tables";
import { SLOTS } from "../../assembly/layout";

/** What counts stop at. */
const COUNT_LIMIT: i16 = 15;

/** Fractional bits of a weight. */
const WEIGHT_BITS: i32 = 14;
const MAP_RATE: i32 = 6;

/**
 * Code or decode one bit from the 6 counters whose addresses are at SLOTS.
 *
 * @param weightsA - a weight set, to which the one at `weightsB` is added.
 * @param mapRow - the row of the adaptive probability map.
 */
export function codeDecision(bit: i32, weightsA: usize, weightsB: usize, mapRow: usize): i32 {
  const a0 = <usize>load<u32>(SLOTS);
  const a1 = <usize>load<u32>(SLOTS, 4);
  const a2 = <usize>load<u32>(SLOTS, 8);
  const a3 = <usize>load<u32>(SLOTS, 12);
  const a4 = <usize>load<u32>(SLOTS, 16);
  const a5 = <usize>load<u32>(SLOTS, 20);
  let counters = v128.load16_lane(a0, i16x8.splat(0), 0);
  counters = v128.load16_lane(a1, counters, 1);
  counters = v128.load16_lane(a2, counters, 2);
  counters = v128.load16_lane(a3, counters, 3);
  counters = v128.load16_lane(a4, counters, 4);
  counters = v128.load16_lane(a5, counters, 5);
  let x = v128.load16_lane(stretchOf(a0), i16x8.splat(0), 0);
  x = v128.load16_lane(stretchOf(a1), x, 1);
  x = v128.load16_lane(stretchOf(a2), x, 2);
  x = v128.load16_lane(stretchOf(a3), x, 3);
  x = v128.load16_lane(stretchOf(a4), x, 4);
  x = v128.load16_lane(stretchOf(a5), x, 5);

  const heldA = v128.load(weightsA);
  const heldB = v128.load(weightsB);
  const mixed = dot(x, i16x8.add_sat_s(heldA, heldB), WEIGHT_BITS);
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

  counters = learnCounters(counters, targetOf(bit), COUNT_LIMIT);
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
  let x = v128.load16_lane(stretchOf(a0), i16x8.splat(0), 0);
  x = v128.load16_lane(stretchOf(a1), x, 1);
  x = v128.load16_lane(stretchOf(a2), x, 2);
  x = v128.load16_lane(stretchOf(a3), x, 3);
  const held = v128.load(weights);
  const p = squash(dot(x, held, WEIGHT_BITS));
  bit = codeBit(bit, p);
  const wanted = bit ? 65535 : 0;
  const step = i16x8.q15mulr_sat_s(x, i16x8.splat(<i16>((wanted - p) >> 1)));
  v128.store(weights, i16x8.add_sat_s(held, step));

  counters = learnCounters(counters, targetOf(bit), COUNT_LIMIT);
  v128.store16_lane(a0, counters, 0);
  v128.store16_lane(a1, counters, 1);
  v128.store16_lane(a2, counters, 2);
  v128.store16_lane(a3, counters, 3);
  return bit;
}

/** How probable a 1 is to `codeDecision`, by its mixer alone: 12 bits. */
@inline
export function foretellDecision(weightsA: usize, weightsB: usize): u32 {
  let x = v128.load16_lane(stretchOf(<usize>load<u32>(SLOTS)), i16x8.splat(0), 0);
  x = v128.load16_lane(stretchOf(<usize>load<u32>(SLOTS, 4)), x, 1);
  x = v128.load16_lane(stretchOf(<usize>load<u32>(SLOTS, 8)), x, 2);
  x = v128.load16_lane(stretchOf(<usize>load<u32>(SLOTS, 12)), x, 3);
  x = v128.load16_lane(stretchOf(<usize>load<u32>(SLOTS, 16)), x, 4);
  x = v128.load16_lane(stretchOf(<usize>load<u32>(SLOTS, 20)), x, 5);
  const mixed = dot(x, i16x8.add_sat_s(v128.load(weightsA), v128.load(weightsB)), WEIGHT_BITS);
  return <u32>squash(mixed) >> 4;
}
