// XXH64 with seed 0 (xxHash specification, 64-bit variant) of bytes that are all at hand.

const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
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

/** The four accumulators of a hash that has seen nothing yet. */
export const FIRST_1: u64 = PRIME_1 + PRIME_2;
export const FIRST_2: u64 = PRIME_2;
export const FIRST_3: u64 = 0;
export const FIRST_4: u64 = 0 - PRIME_1;

/** Bytes that the accumulators take in at once. */
export const STRIPE_BYTES: u32 = 32;

/** What the accumulators come to when the last whole stripe is in them. */
export function mergeAccumulators(acc1: u64, acc2: u64, acc3: u64, acc4: u64): u64 {
  let hash = rotl<u64>(acc1, 1) + rotl<u64>(acc2, 7) + rotl<u64>(acc3, 12) + rotl<u64>(acc4, 18);
  hash = mergeRound(hash, acc1);
  hash = mergeRound(hash, acc2);
  hash = mergeRound(hash, acc3);
  return mergeRound(hash, acc4);
}

/**
 * Take in what no stripe holds, and finish.
 *
 * @param merged - what the stripes came to; `PRIME_5` where there was none.
 * @param total - bytes of all that is hashed.
 */
export function finish(merged: u64, total: u64, from: usize, end: usize): u64 {
  let at = from;
  let hash = merged + total;
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
  const end = from + length;
  if (length < STRIPE_BYTES) return finish(PRIME_5, length, from, end);
  let at = from;
  let acc1 = FIRST_1;
  let acc2 = FIRST_2;
  let acc3 = FIRST_3;
  let acc4 = FIRST_4;
  const stripesEnd = end - STRIPE_BYTES;
  do {
    acc1 = round(acc1, load<u64>(at));
    acc2 = round(acc2, load<u64>(at, 8));
    acc3 = round(acc3, load<u64>(at, 16));
    acc4 = round(acc4, load<u64>(at, 24));
    at += STRIPE_BYTES;
  } while (at <= stripesEnd);
  return finish(mergeAccumulators(acc1, acc2, acc3, acc4), length, at, end);
}
