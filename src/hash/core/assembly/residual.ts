// Bytewise sums and differences mod 256. Lengths are rounded up to whole vectors: the areas have room behind them.

/** a[i] += b[i]. */
export function addBytes(a: usize, b: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += 16) v128.store(a + i, i8x16.add(v128.load(a + i), v128.load(b + i)));
}

/** a[i] -= b[i]. */
export function subtractBytes(a: usize, b: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += 16) v128.store(a + i, i8x16.sub(v128.load(a + i), v128.load(b + i)));
}
