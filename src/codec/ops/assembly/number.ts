// Numbers are coded by nibbles from the same four contexts: first their form, which is how many bits they have, or that they are what
// was expected; then the bits below the highest one, four at a time. In lengths and distances only the first four of these
// are worth learning: as plain bits the others take less time, and no more room.
import { hashBehind, setHash } from "../../assembly/contexts";
import { codeNibble, findLine, setLine } from "../../assembly/nibble";
import { SETS_BYTES } from "../../assembly/nibble-layout";
import { codeEvenly } from "../../assembly/shares";
import { NUMBER_SETS, TABLE_BITS, TABLE_BYTES, TABLES } from "./memory";

/** Kinds of numbers. */
export const enum Field {
  LENGTH,
  DISTANCE,
  BYTE,
  TIME,
  SIZE,
  SPLICE,
}

/** Steps of a number's coding: its form, its size, its sign, its first bits and the others. */
export const enum Step {
  FORM,
  SIZE,
  SIGN,
  FIRST,
  REST,
}
const STEPS: u32 = 5;

/** What stands for the steps in the hashes of contexts; bits are 64 and more. */
const FORM_NODE: u32 = 0;
const SIZE_NODE: u32 = 1;
const SIGN_NODE: u32 = 2;

/** Forms of a number that is expected to be another one: its size, if it is less than {@link LARGE}, or these. */
const LARGE: u32 = 14;
const EXPECTED: u32 = 15;

/** What a nibble of a size is when another follows. */
const MORE: u32 = 15;
/** No number has more bits; damage may say so. */
const MAX_SIZE: u32 = 64;

/** The number of bits of `value`. */
@inline
export function countBits(value: u64): u32 {
  return 64 - <u32>clz(value);
}

@inline
export function magnitudeOf(value: i64): u64 {
  return <u64>(value < 0 ? -value : value);
}

/** Code a nibble from the lines of the four contexts behind what `node` stands for. */
@inline
export function codeBehind(node: u32, value: u32, sets: usize): u32 {
  for (let index: u32 = 0; index < 4; index++) {
    setLine(index, findLine(TABLES + <usize>index * TABLE_BYTES, TABLE_BITS, hashBehind(index, node)));
  }
  return codeNibble(value, sets);
}

/** The weights of a step of a field. */
@inline
export function setsOf(field: u32, step: Step): usize {
  return NUMBER_SETS + <usize>(field * STEPS + step) * SETS_BYTES;
}

/** Tell the contexts what was coded. */
export function narrow(node: u32): void {
  for (let index: u32 = 0; index < 4; index++) setHash(index, hashBehind(index, node));
}

/** Code the form of a number. */
@inline
export function codeForm(form: u32, sets: usize): u32 {
  return codeBehind(FORM_NODE, form, sets);
}

/** Code a size that is known to be at least `least`. */
export function codeSize(actual: u32, least: u32, field: Field): u32 {
  let size = least;
  let part = MORE;
  while (part == MORE && size < MAX_SIZE) {
    part = codeBehind(SIZE_NODE, min<u32>(MORE, actual - size), setsOf(field, Step.SIZE));
    size += part;
  }
  return min<u32>(size, MAX_SIZE);
}

/** Code the bits of a magnitude below its highest one. */
export function codeBits(magnitude: u64, size: u32, field: Field): u64 {
  if (size == 0) return 0;
  let prefix: u64 = 1;
  let left = size - 1;
  for (let step = Step.FIRST; left > 0 && (step == Step.FIRST || field > Field.DISTANCE); step = Step.REST) {
    const bits = min<u32>(4, left);
    const mask = (1 << bits) - 1;
    left -= bits;
    const part = codeBehind((<u32>prefix << 6) | size, <u32>(magnitude >> left) & mask, setsOf(field, step));
    prefix = (prefix << bits) | <u64>(part & mask);
  }
  while (left > 0) {
    const bits = min<u32>(32, left);
    left -= bits;
    prefix = (prefix << bits) | <u64>codeEvenly(<u32>(magnitude >> left), bits);
  }
  return prefix;
}

/**
 * Code a number that may be the one that is expected.
 *
 * @param isExpected - whether to look at `expected` at all.
 * @param formSets - the weights of its form.
 */
export function codeNumber(value: i64, expected: i64, isExpected: bool, field: Field, isSigned: bool, formSets: usize): i64 {
  const magnitude = magnitudeOf(value);
  const actual = countBits(magnitude);
  const form = codeForm(isExpected && value == expected ? EXPECTED : min<u32>(LARGE, actual), formSets);
  if (form == EXPECTED) return expected;
  const size = form < LARGE ? form : codeSize(actual, LARGE, field);
  if (!isSigned || size == 0) return codeBits(magnitude, size, field);
  const negative = codeBehind(SIGN_NODE, u32(value < 0), setsOf(field, Step.SIGN)) & 1;
  narrow(SIGN_NODE + negative);
  const coded = <i64>codeBits(magnitude, size, field);
  return negative ? -coded : coded;
}
