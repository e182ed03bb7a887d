// How the arithmetic coders' interval is moved on behind its equal leading bytes: by all of them at once, since how many there are
// cannot be foreseen, and a loop would cost more.

/** The bits of the leading bytes that two bounds have in common: 32 if they are equal. */
@inline
export function settledBits(low: u32, high: u32): u32 {
  return clz(low ^ high) & ~7;
}

/** A bound, or the number between them, with its first `bits` bits shifted out and the first ones of `next` behind it. */
@inline
export function shiftIn(value: u32, next: u32, bits: u32): u32 {
  return <u32>((((<u64>value << 32) | <u64>next) << <u64>bits) >> 32);
}
