// Numbers are coded from their highest bit on: first how many bits they have, then the sign, then the bits below the
// highest, up to four at a time. Each group of bits is a small tree, whose counters each context finds anew.
import { findLine, hashBehind, hashContext } from "../../assembly/contexts";
import { codeDecision } from "../../assembly/decision";
import { APM_ROW_BYTES, CONTEXTS, LINES, WEIGHT_SET_BYTES } from "../../assembly/layout";
import { APMS, TABLE_BITS, TABLE_BYTES, TABLES, WEIGHTS_A, WEIGHTS_B } from "./memory";

/** Steps of a field: lengths of a number in bits (two), sign, bits of the number (the first to the fifth group). */
const FIELD_STEPS: u32 = 8;

@inline
function find(index: u32, hash: u32): void {
  findLine(TABLES + <usize>index * TABLE_BYTES, TABLE_BITS, index, hash);
}

/** The number of bits of `value`. */
@inline
export function countBits(value: u64): u32 {
  return 64 - <u32>clz(value);
}

/** What a number is expected to be, apart from its contexts: two guesses. */
let guessA: i64 = 0;
let guessB: i64 = 0;
let guessC: i64 = 0;
let sureness: u32 = 0;
export function setGuesses(a: i64, b: i64): void {
  guessA = a;
  guessB = b;
}
/** Set what followed the last ops before. */
export function setFollower(guess: i64, sure: u32): void {
  guessC = guess;
  sureness = sure;
}

@inline
function magnitudeOf(value: i64): u64 {
  return <u64>(value < 0 ? -value : value);
}

/** Code `bits` bits of `value`, the highest first, of the tree that `node` stands for. */
export function codeTree(step: u32, field: u32, kinds: u32, node: u32, bits: u32, value: u32): u32 {
  for (let index: u32 = 0; index < CONTEXTS; index++) find(index, hashBehind(index, node));
  return codeFound(step, field, kinds, bits, value);
}

/** Code the bits of a tree whose lines are found. */
function codeFound(step: u32, field: u32, kinds: u32, bits: u32, value: u32): u32 {
  const row = <usize>(step + field * FIELD_STEPS);
  const setB = WEIGHTS_B + (row * 64 + <usize>kinds) * WEIGHT_SET_BYTES;
  let tree: u32 = 1;
  for (let left = <i32>bits - 1; left >= 0; left--) {
    const at = row * 16 + <usize>tree;
    const bit = codeDecision(
      (value >> left) & 1,
      LINES,
      <usize>tree << 1,
      WEIGHTS_A + at * WEIGHT_SET_BYTES,
      setB,
      APMS + at * APM_ROW_BYTES,
    );
    tree = (tree << 1) | bit;
  }
  return tree & ((1 << bits) - 1);
}

/** A guess in the place of context `index`: what it says of the next bits, as long as it held. */
@inline
function findGuess(index: u32, guess: i64, negative: bool, size: u32, prefix: u64, left: u32, bits: u32, salt: u32): void {
  const magnitude = magnitudeOf(guess);
  const holds = countBits(magnitude) == size && (guess < 0) == negative && magnitude >> left == prefix;
  const says = holds ? <u32>(magnitude >> (left - bits)) & ((1 << bits) - 1) : 16;
  find(index, hashContext(says | (left << 8), index | (bits << 8) | (size << 16) | (salt << 24)));
}

/** Code a number whose contexts' hashes are set. */
export function codeNumber(value: i64, field: u32, isSigned: bool, kinds: u32): i64 {
  const magnitude = magnitudeOf(value);
  const actual = countBits(magnitude);
  let size: u32 = 0;
  for (let level: u32 = 0; level < 4; level++) {
    const part = codeTree(min<u32>(level, 1), field, kinds, level, 4, min<u32>(15, actual - size));
    size += part;
    if (part < 15) break;
  }
  let negative = false;
  if (isSigned && size > 0) negative = codeTree(2, field, kinds, 16 + size, 1, u32(value < 0)) != 0;
  if (size == 0) return 0;
  let prefix: u64 = 1;
  let left = size - 1;
  let step: u32 = 3;
  while (left > 0) {
    const bits = min<u32>(4, left);
    const node = ((<u32>prefix << 6) | size) + (negative ? 0x5bd1e995 : 128);
    for (let index: u32 = 0; index < CONTEXTS; index++) {
      if (isSigned && index == 3) findGuess(3, guessA, negative, size, prefix, left, bits, 0);
      else if (isSigned && index == 4) findGuess(4, guessB, negative, size, prefix, left, bits, 0);
      else if (index == 6) findGuess(6, guessC, negative, size, prefix, left, bits, sureness | (field << 5));
      // Low bits are noise: contexts of their own would only crowd out others.
      else if (step >= (index == 7 ? 5 : 4) && index != 2) find(index, hashContext(left, 0x100 | step));
      else find(index, hashBehind(index, node));
    }
    left -= bits;
    prefix = (prefix << bits) | <u64>codeFound(step, field, kinds, bits, <u32>(magnitude >> left) & ((1 << bits) - 1));
    if (step < 7) step++;
  }
  return negative ? -(<i64>prefix) : <i64>prefix;
}
