// Header blocks in the one form that flat images have: see ../../tar-header.ts and ../../../image/tar/header.ts.

export const BLOCK_BYTES: u32 = 512;

const ZERO: u32 = 0x30;
const SPACE: u32 = 0x20;
const SLASH: u8 = 0x2f;

const NAME_BYTES: usize = 100;
export const MODE_AT: usize = 100;
export const UID_AT: usize = 108;
export const GID_AT: usize = 116;
const SIZE_AT: usize = 124;
const TIME_AT: usize = 136;
const CHECKSUM_AT: usize = 148;
const TYPE_AT: usize = 156;
const MAGIC_AT: usize = 257;
export const MAJOR_AT: usize = 329;
export const MINOR_AT: usize = 337;
const PREFIX_AT: usize = 345;
const PREFIX_BYTES: usize = 155;
const STAR_AT: usize = 508;

/** The number of some octal digits and a NUL; −1 when they are something else. */
function readOctal(at: usize, digits: usize): i64 {
  let value: i64 = 0;
  for (let i: usize = 0; i < digits; i++) {
    const digit = <u32>load<u8>(at + i) - ZERO;
    if (digit > 7) return -1;
    value = (value << 3) | <i64>digit;
  }
  return load<u8>(at + digits) == 0 ? value : -1;
}

/** Whether a field of 8 bytes is 7 octal digits and a NUL. */
export function isShortNumber(field: usize): bool {
  return readOctal(field, 7) >= 0;
}

export function sizeOf(block: usize): i64 {
  return readOctal(block + SIZE_AT, 11);
}

export function timeOf(block: usize): i64 {
  return readOctal(block + TIME_AT, 11);
}

export function typeOf(block: usize): u32 {
  return load<u8>(block + TYPE_AT);
}

/** Whether all bytes are zero. */
export function isZero(from: usize, length: u32): bool {
  let at = from;
  const end = from + length;
  for (; at + 16 <= end; at += 16) if (v128.any_true(v128.load(at))) return false;
  for (; at < end; at++) if (load<u8>(at) != 0) return false;
  return true;
}

/** Whether the checksum is there in the form that we write, and is right. */
export function hasChecksum(block: usize): bool {
  let sums = i32x4.splat(0);
  for (let at = block; at < block + BLOCK_BYTES; at += 16) {
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(v128.load(at))));
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  sum += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  sum += 8 * SPACE;
  for (let i: usize = 0; i < 8; i++) sum -= <i32>load<u8>(block + CHECKSUM_AT + i);
  return (
    readOctal(block + CHECKSUM_AT, 6) == <i64>sum && <u32>load<u8>(block + CHECKSUM_AT + 7) == SPACE
  );
}

/** Whether the name's prefix is where ustar has it. */
export function isUstar(block: usize): bool {
  // "usta", "r\0" and, of star, "tar\0".
  return (
    load<u32>(block + MAGIC_AT) == 0x61747375 &&
    load<u16>(block + MAGIC_AT + 4) == 0x0072 &&
    load<u32>(block + STAR_AT) != 0x00726174
  );
}

function textBytes(field: usize, most: usize): usize {
  let length: usize = 0;
  while (length < most && load<u8>(field + length) != 0) length++;
  return length;
}

/** Put together the path of an entry, without the slash behind a folder's name; returns its length. */
export function putPath(block: usize, out: usize): usize {
  const prefix = textBytes(block + PREFIX_AT, PREFIX_BYTES);
  let length: usize = 0;
  if (prefix > 0) {
    memory.copy(out, block + PREFIX_AT, prefix);
    store<u8>(out + prefix, SLASH);
    length = prefix + 1;
  }
  const name = textBytes(block, NAME_BYTES);
  memory.copy(out + length, block, name);
  length += name;
  if (length == 0 || load<u8>(out + length - 1) != SLASH) return length;
  return length == 2 && load<u8>(out) == 0x2e ? 0 : length - 1;
}

/** Take the time out, and the checksum, which follows from the rest. */
export function maskTime(block: usize): void {
  memory.fill(block + TIME_AT, 0, 11);
  memory.fill(block + CHECKSUM_AT, 0, 6);
}

/** Take the path out, and the checksum. */
export function maskPath(block: usize): void {
  memory.fill(block, 0, NAME_BYTES);
  memory.fill(block + PREFIX_AT, 0, PREFIX_BYTES);
  memory.fill(block + CHECKSUM_AT, 0, 8);
}
