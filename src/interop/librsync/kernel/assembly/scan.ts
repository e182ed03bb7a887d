// The rolling scan: the weak hash of the window at each position, looked up in the filter. No branch depends on the lookup:
// each position is stored, and the cursor moves on only if it passed.
import { MULTIPLIER, powerOfMultiplier } from "../../../../hash/core/assembly/rabinkarp";
import { passes } from "./filter";
import { CANDIDATES, ENTERING, LEAVING, NEXT_HASH } from "./memory";
import { CHARACTER_OFFSET } from "./weak";

// @ts-ignore: decorator
@inline
function put(out: usize, position: u32, hash: u32): usize {
  store<u32>(out, position);
  store<u32>(out, hash, 4);
  return out + (<usize>passes(hash) << 3);
}

/** Scan `positions` windows of `blockBytes`, the first of which has the weak hash `first`; returns the number of candidates. */
export function scanRabinKarp(positions: u32, blockBytes: u32, first: u32): u32 {
  const weight = powerOfMultiplier(blockBytes);
  const bias = weight * (MULTIPLIER - 1);
  let out = CANDIDATES;
  let hash = first;
  for (let at: u32 = 0; at < positions; at++) {
    out = put(out, at, hash);
    const change = <u32>load<u8>(ENTERING + at) - <u32>load<u8>(LEAVING + at) * weight - bias;
    hash = hash * MULTIPLIER + change;
  }
  store<u32>(NEXT_HASH, hash);
  return <u32>(out - CANDIDATES) >> 3;
}

/** The same for rollsum. */
export function scanRollsum(positions: u32, blockBytes: u32, first: u32): u32 {
  let out = CANDIDATES;
  let low = first & 0xffff;
  let high = first >> 16;
  for (let at: u32 = 0; at < positions; at++) {
    out = put(out, at, (high << 16) | (low & 0xffff));
    const leaving = <u32>load<u8>(LEAVING + at);
    low += <u32>load<u8>(ENTERING + at) - leaving;
    high += low - blockBytes * (leaving + CHARACTER_OFFSET);
  }
  store<u32>(NEXT_HASH, (high << 16) | (low & 0xffff));
  return <u32>(out - CANDIDATES) >> 3;
}
