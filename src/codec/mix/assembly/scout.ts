// The scout looks ahead: it foretells from the basis alone where the next field begins, so that the zeros before it are
// coded as one decision. It is a logistic regression over hashed features, which costs three additions a byte.
import { codeBit } from "../../assembly/coder";
import { SQUASH_LIMIT } from "../../assembly/layout";
import { GROUP_MAPS, LOOKS, RISKS, SCOUT, SCOUT_TABLE_BYTES } from "./memory";
import { squash } from "../../assembly/tables";

/** Positions that are looked at together. */
export const MAX_GROUP: u32 = 64;
/**
 * A position that is more probable than this (of 65,536) is coded alone, and no group is more probable than MAX_RISK to hold a
 * field. Three times as much for both costs 0.4 % of the bytes of deltas (runtime-bump 1.9) and saves a twentieth of the time.
 */
const MAX_SINGLE_RISK: u32 = 2048;
const MAX_RISK: u32 = 8192;
/** Marks the risk of a position that is to be coded alone: more than any group may have. */
const ALONE: u32 = 1 << 16;
/** Zeros that were expected with more certainty than this teach nothing. */
const LEARN_RISK: u32 = 655;
/** Without knowledge a field is thought to begin at one position of five; in units of 1/1024, as weights are. */
const BIAS: i32 = -1536;
const WEIGHT_LIMIT: i32 = 32000;

/** The basis address of the first position looked at, and the zero residual bytes before it. */
let lookedFrom: usize = 0;
let zerosBefore: u32 = 0;
/** The risk of the group looked at last: the sum of its positions' probabilities. */
let risk: u32 = 0;
/** The positions looked at last that teach something if no field begins there, a bit each. */
let teaching: u64 = 0;

/** The basis bytes from two before position number `number` on, the first lowest. */
@inline
function bytesAround(number: u32): u64 {
  return load<u64>(lookedFrom + <usize>number - 2);
}

// Where the weights of a position are: by the three bytes behind its own, by the two before it, and by its own with the zero
// residual bytes before it. Three more tables save at most 0.6 % of bytes and cost a tenth of the time.
@inline
function weightAhead(around: u64): usize {
  return SCOUT + <usize>(((<u32>(around >> 24) & 0xffffff) * 0x9e3779b1) >> 16 << 1);
}
@inline
function weightBehind(around: u64): usize {
  return SCOUT + SCOUT_TABLE_BYTES + (<usize>(around & 0xffff) << 1);
}
@inline
function weightOfRun(around: u64, number: u32): usize {
  return SCOUT + 2 * SCOUT_TABLE_BYTES + <usize>((min<u32>(zerosBefore + number, 63) | ((<u32>(around >> 16) & 255) << 6)) << 1);
}

/** The probability (of 65,536) that a field begins at position number `number`, and ALONE if that is too much for a group. */
@inline
function look(number: u32): u32 {
  const around = bytesAround(number);
  const sum =
    <i32>load<i16>(weightAhead(around)) + <i32>load<i16>(weightBehind(around)) + <i32>load<i16>(weightOfRun(around, number));
  const x = max(-SQUASH_LIMIT, min(SQUASH_LIMIT, (sum + BIAS) >> 2));
  return load<u32>(RISKS + (<usize>(x + SQUASH_LIMIT) << 2));
}

@inline
function learnWeight(at: usize, step: i32): void {
  store<i16>(at, max(-WEIGHT_LIMIT, min(WEIGHT_LIMIT, <i32>load<i16>(at) + step)));
}

/** Learn whether a field began at the position number `number` of those looked at. */
export function learnLook(number: u32, begins: u32): void {
  const around = bytesAround(number);
  const step = (((-<i32>begins & 65536) - <i32>getLook(number)) * 5 + 256) >> 9;
  learnWeight(weightAhead(around), step);
  learnWeight(weightBehind(around), step);
  learnWeight(weightOfRun(around, number), step);
}

/** Look at positions from basis address `b` on, at most `limit`, with `zeros` zero residual bytes before; returns how many make a group. */
export function lookAhead(b: usize, limit: u32, zeros: u32): u32 {
  lookedFrom = b;
  zerosBefore = zeros;
  let sum: u32 = 0;
  let many: u64 = 0;
  let count: u32 = 0;
  for (; count < limit; count++) {
    const p = look(count);
    store<u32>(LOOKS + (<usize>count << 2), p & (ALONE - 1));
    if (sum + p > MAX_RISK) break;
    sum += p;
    many |= <u64>u32(p > LEARN_RISK) << <u64>count;
  }
  risk = sum;
  teaching = many;
  return count;
}

/** The probability of position number `number` of those looked at. */
@inline
export function getLook(number: u32): u32 {
  return load<u32>(LOOKS + (<usize>number << 2));
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
  for (let left = teaching; left != 0; left &= left - 1) {
    const number = <u32>ctz(left);
    if (number >= first) break;
    learnLook(number, 0);
  }
  if (any) learnLook(first, 1);
  return first;
}

/** Prepare the risks, and the chances: the risk itself. */
export function prepareScout(): void {
  for (let x = -SQUASH_LIMIT; x <= SQUASH_LIMIT; x++) {
    const p = <u32>squash(x);
    store<u32>(RISKS + (<usize>(x + SQUASH_LIMIT) << 2), p > MAX_SINGLE_RISK ? p | ALONE : p);
  }
  for (let bucket: u32 = 0; bucket < 64; bucket++) {
    const exponent = bucket >> 2;
    for (let length: u32 = 0; length < 8; length++)
      store<u16>(GROUP_MAPS + <usize>((bucket << 3) | length) * 2, ((4 | (bucket & 3)) << exponent) >> 2);
  }
}
