// Varints of `src/delta/FORMAT.md`. The cursor is where the next byte is read or written.

const LIMIT: u64 = 1 << 53;

let cursor: usize = 0;
let limit: usize = 0;
let intact: bool = true;

/** Go to `from`; nothing is read from `end` on. */
export function openBytes(from: usize, end: usize): void {
  cursor = from;
  limit = end;
  intact = true;
}

@inline
export function getCursor(): usize {
  return cursor;
}

/** False once something was read that no writer writes. */
@inline
export function isIntact(): bool {
  return intact;
}

export function readByte(): u32 {
  if (cursor >= limit) {
    intact = false;
    return 0;
  }
  return load<u8>(cursor++);
}

@inline
export function writeByte(byte: u32): void {
  store<u8>(cursor++, byte);
}

function readRest(first: u32, value: u64, shift: u64): u64 {
  let byte = first;
  while (byte >= 128 && intact) {
    byte = readByte();
    if (byte == 0 || shift > 49) intact = false;
    value |= (<u64>(byte & 127)) << shift;
    shift += 7;
  }
  if (value >= LIMIT) intact = false;
  return value;
}

export function readVarint(): u64 {
  const first = readByte();
  return readRest(first, first & 127, 7);
}

export function readSignedVarint(): i64 {
  const first = readByte();
  const magnitude = readRest(first, first & 63, 6);
  if ((first & 64) == 0) return magnitude;
  if (magnitude == 0) intact = false;
  return -(<i64>magnitude);
}

export function writeVarint(value: u64): void {
  while (value >= 128) {
    writeByte((<u32>value & 127) | 128);
    value >>= 7;
  }
  writeByte(<u32>value);
}

export function writeSignedVarint(value: i64): void {
  const magnitude = <u64>(value < 0 ? -value : value);
  const rest = magnitude >> 6;
  writeByte((<u32>magnitude & 63) | (value < 0 ? 64 : 0) | (rest > 0 ? 128 : 0));
  if (rest > 0) writeVarint(rest);
}
