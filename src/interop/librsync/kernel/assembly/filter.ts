// Which weak hashes are looked for: two bits for each in a word that the hash chooses.
import { FILTER } from "./memory";

// A fraction of the golden ratio: the bits of a rollsum of few bytes are far from evenly spread.
const SPREAD: u32 = 0x9e3779b1;

let shift: u32 = 0;

/** An empty filter of 2^bits bytes. Memory must reach `FILTER` plus that plus 8 bytes. */
export function clearFilter(bits: u32): void {
  shift = 32 - bits;
  memory.fill(FILTER, 0, (<usize>1 << bits) + 8);
}

/** Add `count` weak hashes. */
export function addToFilter(from: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const mixed = load<u32>(from + 4 * i) * SPREAD;
    const word = FILTER + (mixed >> shift);
    store<u32>(word, load<u32>(word) | (<u32>1 << (mixed & 31)) | (<u32>1 << ((mixed >> 5) & 31)));
  }
}

// @ts-ignore: decorator
@inline
export function passes(hash: u32): u32 {
  const mixed = hash * SPREAD;
  const word = load<u32>(FILTER + (mixed >> shift));
  return (word >> mixed) & (word >> (mixed >> 5)) & 1;
}
