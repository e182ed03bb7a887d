// What the arithmetic coders have in common: an interval [low, high] of 32 bits, the place of the coded bytes, and how the interval is
// split in proportion to a probability and moved on behind its equal leading bytes.
import { CODED } from "./layout";

export let low: u32 = 0;
export let high: u32 = 0xffffffff;
/** The coded number, which is in the interval; a decoder's. */
export let code: u32 = 0;
export let decoding: bool = false;
/** Where the next coded byte is written or read. */
let at: usize = CODED;

/** Begin a segment; a decoder reads its first 4 bytes. */
export function startCoder(decode: bool): void {
  low = 0;
  high = 0xffffffff;
  decoding = decode;
  at = CODED;
  if (!decode) return;
  code = bswap(load<u32>(CODED));
  at += 4;
}

/** Set where the next coded byte is, after the loader has emptied or filled the area. */
@inline
export function setCodedPosition(position: u32): void {
  at = CODED + <usize>position;
}

/** Coded bytes written or read since the area was emptied or filled: in a decoder up to 4 too many until the end. */
@inline
export function getCodedPosition(): u32 {
  return <u32>(at - CODED);
}

/** Write the first `bytes` bytes of `value` as coded bytes. */
@inline
export function putCoded(value: u32, bytes: u32): void {
  store<u32>(at, bswap(value));
  at += <usize>bytes;
}

/** Take back `bytes` coded bytes that were read beyond the end. */
@inline
export function takeBackCoded(bytes: u32): void {
  at -= <usize>bytes;
}

/** Go on with a part of the interval. */
@inline
export function setBounds(newLow: u32, newHigh: u32): void {
  low = newLow;
  high = newHigh;
}

/** Go on with the part of `bit`, or of what it is decoded to, given the probability (1 to 65,535 of 65,536) that it is 1. */
@inline
export function split(bit: i32, probability: i32): i32 {
  const range = high - low;
  const middle = low + (range >> 16) * <u32>probability + (((range & 0xffff) * <u32>probability) >> 16);
  // Two constants behind a branch, not the result of the comparison: so the next decision's loads need not wait for it.
  if (decoding ? code <= middle : bit != 0) {
    high = middle;
    return 1;
  }
  low = middle + 1;
  return 0;
}

/** A bound, or the number between them, with its first `bits` bits shifted out and the first ones of `next` behind it. */
@inline
function shiftIn(value: u32, next: u32, bits: u32): u32 {
  return <u32>((((<u64>value << 32) | <u64>next) << <u64>bits) >> 32);
}

/** Shift out equal leading bytes: all at once, since how many there are cannot be foreseen, and a loop would cost more. */
@inline
export function shiftOut(): void {
  const bits = clz(low ^ high) & ~7;
  if (decoding) code = shiftIn(code, bswap(load<u32>(at)), bits);
  else store<u32>(at, bswap(high));
  at += <usize>(bits >> 3);
  low = shiftIn(low, 0, bits);
  high = shiftIn(high, 0xffffffff, bits);
}
