// The weak hashes of librsync, continued over the next bytes: a hash is all that is needed to go on.
import { MULTIPLIER } from "../../../../hash/core/assembly/rabinkarp";

/** What rollsum adds to each byte, so that zeros count. */
export const CHARACTER_OFFSET: u32 = 31;

/** RabinKarp: hash * MULTIPLIER + byte for each byte. Begins with 1. */
export function updateRabinKarp(hash: u32, from: usize, length: u32): u32 {
  const power2: u32 = MULTIPLIER * MULTIPLIER;
  const power3: u32 = power2 * MULTIPLIER;
  const power4: u32 = power2 * power2;
  let at = from;
  const end = from + length;
  const end4 = from + (length & ~3);
  // One multiplication a byte waits for the one before; of four bytes only one waits for those before.
  while (at < end4) {
    hash =
      hash * power4 +
      (<u32>load<u8>(at) * power3 +
        <u32>load<u8>(at, 1) * power2 +
        <u32>load<u8>(at, 2) * MULTIPLIER +
        <u32>load<u8>(at, 3));
    at += 4;
  }
  while (at < end) hash = hash * MULTIPLIER + load<u8>(at++);
  return hash;
}

/** Rollsum: the sum of the bytes in the low half, the sum of these sums in the high half. Begins with 0. */
export function updateRollsum(hash: u32, from: usize, length: u32): u32 {
  let low = hash & 0xffff;
  let high = hash >> 16;
  for (let at = from, end = from + length; at < end; at++) {
    low += <u32>load<u8>(at) + CHARACTER_OFFSET;
    high += low;
  }
  return (high << 16) | (low & 0xffff);
}
