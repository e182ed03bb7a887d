// How far two ranges are equal, from their beginnings or from their ends.

/** Number of equal bytes at the beginning of two ranges of `length` bytes. */
export function countEqualForward(a: usize, b: usize, length: u32): u32 {
  let i: u32 = 0;
  for (const vectorEnd = length & ~15; i < vectorEnd; i += 16) {
    const equal = <u32>i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i)));
    if (equal != 0xffff) return i + ctz<u32>(~equal);
  }
  while (i < length && load<u8>(a + i) == load<u8>(b + i)) i++;
  return i;
}

/** Number of equal bytes at the end of two ranges of `length` bytes. */
export function countEqualBackward(a: usize, b: usize, length: u32): u32 {
  let rest = length;
  for (; rest >= 16; rest -= 16) {
    const equal = <u32>i8x16.bitmask(i8x16.eq(v128.load(a + rest - 16), v128.load(b + rest - 16)));
    if (equal != 0xffff) return length - rest + clz<u32>((~equal) << 16);
  }
  while (rest > 0 && load<u8>(a + rest - 1) == load<u8>(b + rest - 1)) rest--;
  return length - rest;
}
