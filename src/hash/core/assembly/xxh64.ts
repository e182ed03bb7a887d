// XXH64 with seed 0 (xxHash specification, 64-bit variant).

export const PRIME_1: u64 = 0x9e3779b185ebca87;
export const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
export const PRIME_5: u64 = 0x27d4eb2f165667c5;

// @ts-ignore: decorator
@inline
export function round(acc: u64, lane: u64): u64 {
  return rotl<u64>(acc + lane * PRIME_2, 31) * PRIME_1;
}

// @ts-ignore: decorator
@inline
function mergeRound(hash: u64, acc: u64): u64 {
  return (hash ^ round(0, acc)) * PRIME_1 + PRIME_4;
}

/** What the accumulators of all whole stripes become. */
// @ts-ignore: decorator
@inline
export function mergeAccumulators(acc1: u64, acc2: u64, acc3: u64, acc4: u64): u64 {
  let hash = rotl<u64>(acc1, 1) + rotl<u64>(acc2, 7) + rotl<u64>(acc3, 12) + rotl<u64>(acc4, 18);
  hash = mergeRound(hash, acc1);
  hash = mergeRound(hash, acc2);
  hash = mergeRound(hash, acc3);
  return mergeRound(hash, acc4);
}

/** Take in what is left behind the last whole stripe, and end. The length is in `hash` already. */
export function finishHash(begun: u64, from: usize, end: usize): u64 {
  let hash = begun;
  let at = from;
  while (at + 8 <= end) {
    hash = rotl<u64>(hash ^ round(0, load<u64>(at)), 27) * PRIME_1 + PRIME_4;
    at += 8;
  }
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    at += 4;
  }
  while (at < end) hash = rotl<u64>(hash ^ (<u64>load<u8>(at++) * PRIME_5), 11) * PRIME_1;
  hash = (hash ^ (hash >> 33)) * PRIME_2;
  hash = (hash ^ (hash >> 29)) * PRIME_3;
  return hash ^ (hash >> 32);
}

/** The XXH64 of `length` bytes. */
export function hash64(from: usize, length: u32): u64 {
  let at = from;
  const end = from + length;
  let hash: u64 = PRIME_5;
  if (length >= 32) {
    let acc1 = PRIME_1 + PRIME_2;
    let acc2 = PRIME_2;
    let acc3: u64 = 0;
    let acc4: u64 = 0 - PRIME_1;
    const stripesEnd = end - 32;
    do {
      acc1 = round(acc1, load<u64>(at));
      acc2 = round(acc2, load<u64>(at, 8));
      acc3 = round(acc3, load<u64>(at, 16));
      acc4 = round(acc4, load<u64>(at, 24));
      at += 32;
    } while (at <= stripesEnd);
    hash = mergeAccumulators(acc1, acc2, acc3, acc4);
  }
  return finishHash(hash + length, at, end);
}
