// What is matched with what, and where in the memory it stands. Behind both lie at least 64 bytes that may be read.

/** The target, or a piece of it. */
export let target: usize = 0;
export let targetBytes: i32 = 0;
export let basis: usize = 0;
export let basisBytes: i32 = 0;

export function setTarget(at: usize, bytes: i32): void {
  target = at;
  targetBytes = bytes;
}

export function setBasis(at: usize, bytes: i32): void {
  basis = at;
  basisBytes = bytes;
}

/** Whether target and basis are equal over `length` bytes; what lies outside the basis is not. */
@inline
export function areEqual(at: i32, basisAt: i32, length: i32): bool {
  if (basisAt < 0 || basisAt + length > basisBytes) return false;
  const a = target + <usize>at;
  const b = basis + <usize>basisAt;
  if (length == 8) return load<u64>(a) == load<u64>(b);
  return load<u64>(a) == load<u64>(b) && load<u64>(a, 8) == load<u64>(b, 8);
}

/** Whether the byte at a place is equal; what lies outside the basis is not. */
@inline
export function isEqual(at: i32, shift: i32): bool {
  const basisAt = at + shift;
  return <u32>basisAt < <u32>basisBytes && load<u8>(target + <usize>at) == load<u8>(basis + <usize>basisAt);
}

/** The equal bytes among the 16 from `at`, as bits, the first lowest. */
@inline
export function equalBits(at: i32, shift: i32): u32 {
  const basisAt = at + shift;
  if (basisAt >= 0 && basisAt + 16 <= basisBytes) {
    return i8x16.bitmask(i8x16.eq(v128.load(target + <usize>at), v128.load(basis + <usize>basisAt)));
  }
  let bits: u32 = 0;
  for (let i = 0; i < 16; i++) bits |= u32(isEqual(at + i, shift)) << i;
  return bits;
}

/** The equal bytes among the 16 before `end`, as bits, the last lowest. */
@inline
export function equalBitsBefore(end: i32, shift: i32): u32 {
  const at = end - 16;
  const basisAt = at + shift;
  if (basisAt >= 0 && basisAt + 16 <= basisBytes) {
    const equal = i8x16.eq(v128.load(target + <usize>at), v128.load(basis + <usize>basisAt));
    return i8x16.bitmask(i8x16.swizzle(equal, i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));
  }
  let bits: u32 = 0;
  for (let i = 0; i < 16; i++) bits |= u32(isEqual(end - 1 - i, shift)) << i;
  return bits;
}

/** How many bytes from `at` are equal in a row, `limit` at most. */
export function countEqual(at: i32, basisAt: i32, limit: i32): i32 {
  const a = target + <usize>at;
  const b = basis + <usize>basisAt;
  let i = 0;
  for (; i + 16 <= limit; i += 16) {
    const equal = <u32>i8x16.bitmask(i8x16.eq(v128.load(a + <usize>i), v128.load(b + <usize>i)));
    if (equal != 0xffff) return i + ctz<u32>(~equal);
  }
  while (i < limit && load<u8>(a + <usize>i) == load<u8>(b + <usize>i)) i++;
  return i;
}

/** How many bytes before `end` are equal in a row, `limit` at most. */
export function countEqualBefore(end: i32, basisEnd: i32, limit: i32): i32 {
  const a = target + <usize>end;
  const b = basis + <usize>basisEnd;
  let i = 0;
  for (; i + 16 <= limit; i += 16) {
    const equal = <u32>i8x16.bitmask(i8x16.eq(v128.load(a - <usize>(i + 16)), v128.load(b - <usize>(i + 16))));
    if (equal != 0xffff) return i + clz<u32>(~(equal << 16));
  }
  while (i < limit && load<u8>(a - <usize>(i + 1)) == load<u8>(b - <usize>(i + 1))) i++;
  return i;
}

/** How many of the `length` bytes from `at` are equal; both ranges lie inside. */
export function countAllEqual(at: i32, shift: i32, length: i32): i32 {
  const a = target + <usize>at;
  const b = basis + <usize>(at + shift);
  let count = 0;
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    count += popcnt<u32>(i8x16.bitmask(i8x16.eq(v128.load(a + <usize>i), v128.load(b + <usize>i))));
  }
  for (; i < length; i++) count += i32(load<u8>(a + <usize>i) == load<u8>(b + <usize>i));
  return count;
}
