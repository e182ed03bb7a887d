// The scout looks ahead: it foretells from the basis alone where the next field begins, so that the zeros before it are
// coded as one decision. It is a logistic regression over hashed features, which costs six additions a byte.
import { codeBit } from "../../assembly/coder";
import { SQUASH_LIMIT } from "../../assembly/layout";
import { GROUP_MAPS, LOOK_BYTES, LOOKS, SCOUT, SCOUT_TABLE_BYTES } from "./memory";
import { squash } from "../../assembly/tables";

/** Positions that are looked at together. */
export const MAX_GROUP: u32 = 64;
/**
 * A position that is more probable than this (of 65,536) is coded alone, and no group is more probable than MAX_RISK to hold a
 * field. Twice as much for both costs 1 % more bytes and saves a twentieth of the time.
 */
const MAX_SINGLE_RISK: u32 = 2048;
const MAX_RISK: u32 = 8192;
/** Zeros that were expected with more certainty than this teach nothing. */
const LEARN_RISK: u32 = 655;
/** Without knowledge a field is thought to begin at one position of five; in units of 1/1024, as weights are. */
const BIAS: i32 = -1536;
const WEIGHT_LIMIT: i32 = 32000;

@inline
function place(table: u32, key: u32): usize {
  return SCOUT + <usize>table * SCOUT_TABLE_BYTES + <usize>((key * 0x9e3779b1) >> 16 << 1);
}

/** The probability (of 65,536) that a field begins at basis address `b` with `zeros` zero residual bytes before. */
@inline
function look(b: usize, zeros: u32, at: usize): u32 {
  const around = load<u64>(b - 3);
  const ahead = <u32>(around >> 24);
  const a0 = place(0, <u32>(around >> 16) & 0xffffff);
  const a1 = place(1, ahead >> 8);
  const a2 = SCOUT + 2 * SCOUT_TABLE_BYTES + <usize>((<u32>(around >> 7)) & 0x1fffe);
  const a3 = place(3, ahead + (<u32>(around >> 16) & 255) * 0x85ebca6b);
  const a4 = place(4, <u32>around);
  const a5 = SCOUT + 5 * SCOUT_TABLE_BYTES + <usize>((min<u32>(zeros, 63) | ((ahead & 255) << 6)) << 1);
  const sum =
    <i32>load<i16>(a0) + <i32>load<i16>(a1) + <i32>load<i16>(a2) + <i32>load<i16>(a3) + <i32>load<i16>(a4) + <i32>load<i16>(a5);
  const p = squash(max(-SQUASH_LIMIT, min(SQUASH_LIMIT, (sum + BIAS) >> 2)));
  store<u32>(at, <u32>p);
  store<u32>(at, <u32>a0, 4);
  store<u32>(at, <u32>a1, 8);
  store<u32>(at, <u32>a2, 12);
  store<u32>(at, <u32>a3, 16);
  store<u32>(at, <u32>a4, 20);
  store<u32>(at, <u32>a5, 24);
  return <u32>p;
}

@inline
function learnWeight(at: usize, step: i32): void {
  store<i16>(at, max(-WEIGHT_LIMIT, min(WEIGHT_LIMIT, <i32>load<i16>(at) + step)));
}

/** Learn whether a field began at the position number `number` of those looked at. */
export function learnLook(number: u32, begins: u32): void {
  const at = LOOKS + <usize>number * LOOK_BYTES;
  const step = (((-<i32>begins & 65536) - load<i32>(at)) * 5 + 256) >> 9;
  learnWeight(load<u32>(at, 4), step);
  learnWeight(load<u32>(at, 8), step);
  learnWeight(load<u32>(at, 12), step);
  learnWeight(load<u32>(at, 16), step);
  learnWeight(load<u32>(at, 20), step);
  learnWeight(load<u32>(at, 24), step);
}

/** The risk of the group looked at last: the sum of its positions' probabilities. */
let risk: u32 = 0;

/** Look at positions from basis address `b` on, at most `limit`; returns how many make a group. */
export function lookAhead(b: usize, limit: u32, zeros: u32): u32 {
  risk = 0;
  let count: u32 = 0;
  for (; count < limit; count++) {
    const p = look(b + <usize>count, zeros + count, LOOKS + <usize>count * LOOK_BYTES);
    if (p > MAX_SINGLE_RISK || risk + p > MAX_RISK) break;
    risk += p;
  }
  return count;
}

/** The probability of position number `number` of those looked at. */
@inline
export function getLook(number: u32): u32 {
  return load<u32>(LOOKS + <usize>number * LOOK_BYTES);
}

/** True when the position behind a group is to be coded alone. */
@inline
export function isDoubtful(number: u32): bool {
  return getLook(number) > MAX_SINGLE_RISK;
}

/** Code whether a field begins in the group of `count` positions, and where: `count` when nowhere. `r`: the residual. */
export function codeGroup(r: usize, count: u32): u32 {
  let first: u32 = 0;
  while (first < count && load<u8>(r + <usize>first) == 0) first++;
  const exponent = 31 - clz(risk);
  const bucket = (exponent << 2) | (((risk << 2) >> exponent) & 3);
  const map = GROUP_MAPS + <usize>((bucket << 3) | (31 - clz(count))) * 2;
  const p = <i32>load<u16>(map);
  const any = codeBit(i32(first < count), max(1, p));
  store<u16>(map, p + (((-any & 65535) - p) >> 6));
  if (any) {
    let left = risk;
    for (let number: u32 = 0; ; number++) {
      const p = getLook(number);
      if (number + 1 == count) {
        first = number;
        break;
      }
      if (codeBit(i32(number == first), max(1, min(65535, <i32>((p << 16) / left))))) {
        first = number;
        break;
      }
      left -= p;
    }
  } else first = count;
  for (let number: u32 = 0; number < first; number++) if (getLook(number) > LEARN_RISK) learnLook(number, 0);
  if (any) learnLook(first, 1);
  return first;
}

/** Prepare the chances: the risk itself. */
export function prepareScout(): void {
  for (let bucket: u32 = 0; bucket < 64; bucket++) {
    const exponent = bucket >> 2;
    for (let length: u32 = 0; length < 8; length++)
      store<u16>(GROUP_MAPS + <usize>((bucket << 3) | length) * 2, ((4 | (bucket & 3)) << exponent) >> 2);
  }
}
