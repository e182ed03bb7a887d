// Ops that were coded before, and where the last ones stood together once already: what followed there is a guess of what
// comes now.
import { hashContext } from "../../assembly/contexts";
import { HISTORY, HISTORY_BITS, HISTORY_INDEX, INDEX_BITS } from "./memory";

/** Ops so far. */
let count: u32 = 0;
/** The op that is expected next, by its number, and how many before it were right. */
let expected: u32 = 0;
let length: u32 = 0;
/** The hash of the last op. */
let hash1: u32 = 0;

@inline
function entryOf(number: u32): usize {
  return HISTORY + (<usize>(number & ((1 << HISTORY_BITS) - 1)) << 3);
}

/** How sure the guess is: 0 when there is none. */
@inline
export function getSureness(): u32 {
  return length == 0 ? 0 : length < 8 ? length : min<u32>(15, 6 + ((32 - clz(length)) >> 1));
}
/** The guess: its length · 8 + kind, the lower 32 bits. */
@inline
export function getGuessedHead(): u32 {
  return load<u32>(entryOf(expected));
}
/** The guess: its distance, the lower 32 bits. */
@inline
export function getGuessedDistance(): i64 {
  return <i64>load<i32>(entryOf(expected), 4);
}

/** Keep the op that was coded, and look what followed it and the one before it the last time. */
export function keepOp(head: u64, distance: i64): void {
  const right = length > 0 && getGuessedHead() == <u32>head && getGuessedDistance() == <i64><i32>distance;
  const entry = entryOf(count);
  store<u32>(entry, <u32>head);
  store<i32>(entry, <i32>distance, 4);
  count++;
  const hash = hashContext(<u32>head, <u32>distance);
  const slot = HISTORY_INDEX + (<usize>(hashContext(hash, hash1) >> (32 - INDEX_BITS)) << 2);
  hash1 = hash;
  if (right) {
    length++;
    expected++;
  } else {
    expected = load<u32>(slot);
    length = u32(expected > 0);
  }
  store<u32>(slot, count);
}
