// The longest match: where the last six bytes stood last time, what followed them is expected again.
import { hashContext } from "../../assembly/contexts";
import { INDEX, INDEX_BITS, RING, RING_BITS, RING_END } from "./memory";

/** Longer matches are as good as this one. */
const MAX_LENGTH: u32 = 64;
/** Shorter ones mislead more often than they help: 5 and 7 serve as well, 4 takes 2 % more bytes. */
const MIN_LENGTH: u32 = 6;

/** How many bytes were taken in, modulo 2^32. */
let taken: u32 = 0;
/** Where the expected byte is, and how many bytes before it are those before the next. */
let expectedAt: u32 = 0;
let length: u32 = 0;

/** Forget all bytes. */
export function forgetBytes(): void {
  memory.fill(RING, 0, RING_END - RING);
  taken = 0;
  expectedAt = 0;
  length = 0;
}

/** The byte `back` bytes back. */
@inline
export function byteBefore(back: u32): u32 {
  return byteAt(taken - back);
}

@inline
function byteAt(place: u32): u32 {
  return load<u8>(RING + <usize>(place & ((1 << RING_BITS) - 1)));
}

/** The byte that is expected plus 1, or 0. */
@inline
export function getExpected(): u32 {
  return length > 0 ? byteAt(expectedAt) + 1 : 0;
}

/** The match's length by itself up to 15, then 16 for up to 31, 17 for up to 63, 18. */
@inline
export function getLengthClass(): u32 {
  return length < 16 ? length : length < 32 ? 16 : length < MAX_LENGTH ? 17 : 18;
}

/** Take in the next byte, and find what follows it. */
export function takeByte(byte: u32): void {
  if (length > 0) {
    if (byteAt(expectedAt) == byte) {
      expectedAt++;
      length = min(length + 1, MAX_LENGTH);
    } else length = 0;
  }
  store<u8>(RING + <usize>(taken & ((1 << RING_BITS) - 1)), byte);
  taken++;
  const lastFour = byteBefore(1) | (byteBefore(2) << 8) | (byteBefore(3) << 16) | (byteBefore(4) << 24);
  const hash = hashContext(lastFour, byteBefore(5) | (byteBefore(6) << 8));
  const slot = INDEX + (<usize>(hash >> (32 - INDEX_BITS)) << 2);
  if (length == 0) findMatch(load<u32>(slot));
  store<u32>(slot, taken);
}

function findMatch(place: u32): void {
  if (place == 0) return;
  let alike: u32 = 0;
  while (alike < MAX_LENGTH && byteAt(place - 1 - alike) == byteBefore(1 + alike)) alike++;
  if (alike < MIN_LENGTH) return;
  expectedAt = place;
  length = alike;
}
