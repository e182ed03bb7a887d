// Integers as `../../delta/FORMAT.md` codes them.

/** Returned for what is cut off, malformed, or larger than 2^49: the caller's reader looks at it again, and says what is wrong. */
export const NO_VARINT: i64 = i64.MIN_VALUE;

const MAX_SHIFT: i64 = 49;

/** Where the last integer ended. */
export let varintEnd: usize = 0;

// With `value` and `shift` as a signed integer's first byte leaves them.
@inline
function readRest(at: usize, end: usize, value: i64, shift: i64): i64 {
  while (at < end && shift < MAX_SHIFT) {
    const byte = <i64>load<u8>(at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte == 0) return NO_VARINT;
      varintEnd = at;
      return value;
    }
    shift += 7;
  }
  return NO_VARINT;
}

@inline
export function readVarint(at: usize, end: usize): i64 {
  if (at >= end) return NO_VARINT;
  const first = <i64>load<u8>(at);
  if (first >= 0x80) return readRest(at + 1, end, first & 0x7f, 7);
  varintEnd = at + 1;
  return first;
}

@inline
export function readSignedVarint(at: usize, end: usize): i64 {
  if (at >= end) return NO_VARINT;
  const first = <i64>load<u8>(at);
  let magnitude = first & 0x3f;
  if (first >= 0x80) {
    magnitude = readRest(at + 1, end, magnitude, 6);
    if (magnitude == NO_VARINT) return NO_VARINT;
  } else varintEnd = at + 1;
  if ((first & 0x40) == 0) return magnitude;
  return magnitude == 0 ? NO_VARINT : -magnitude;
}
