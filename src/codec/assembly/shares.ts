// A carry-less arithmetic coder: the interval [low, high] of 32 bits is split in proportion to probabilities, and equal leading
// bytes are shifted out. An interval that lies across a border of leading bytes and has become small is cut off at the border: so
// there is always room for 2^16 shares, for less than a thousandth of a bit a byte. Behind the coded bytes a decoder reads
// zeros, so that one byte ends a segment.
import { CODED } from "./layout";
import { settledBits, shiftIn } from "./shift";

/** What `high - low` is at least before something is coded. */
const MIN_RANGE: u32 = 1 << 16;

let low: u32 = 0;
let high: u32 = 0xffffffff;
let code: u32 = 0;
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
export function setCodedPosition(position: u32): void {
  at = CODED + <usize>position;
}

/** Coded bytes written or read since the area was emptied or filled: in a decoder 3 too many at the end. */
@inline
export function getCodedPosition(): u32 {
  return <u32>(at - CODED);
}

/** The byte that ends a segment: any number that begins with it and goes on with zeros is within the interval. */
export function endByte(): u32 {
  return (low >> 24) + 1;
}

/** End a segment: a decoder takes back what it read beyond the end. */
export function finishCoder(): void {
  if (decoding) at -= 3;
  else store<u8>(at++, endByte());
}

/** Shift out equal leading bytes. */
@inline
function shiftOut(): void {
  const bits = settledBits(low, high);
  if (decoding) code = shiftIn(code, bswap(load<u32>(at)), bits);
  else store<u32>(at, bswap(high));
  at += <usize>(bits >> 3);
  low = shiftIn(low, 0, bits);
  high = shiftIn(high, 0xffffffff, bits);
}

/** Shift out what is settled; cut the interval where it would become too small. */
@inline
function renew(): void {
  shiftOut();
  while (high - low < MIN_RANGE) {
    const border = high & 0xff000000;
    if (high - border < border - low) high = border - 1;
    else low = border;
    shiftOut();
  }
}

/** Code `bit`, or decode it, given the probability (1 to 65,535 of 65,536) that it is 1. */
@inline
export function codeBit(bit: i32, probability: i32): i32 {
  const range = high - low;
  const middle = low + (range >> 16) * <u32>probability + (((range & 0xffff) * <u32>probability) >> 16);
  // Two constants behind a branch, not the result of the comparison: so the next decision's loads need not wait for it.
  if (decoding ? code <= middle : bit != 0) {
    high = middle;
    bit = 1;
  } else {
    low = middle + 1;
    bit = 0;
  }
  renew();
  return bit;
}

/** Where in the interval the coded number is, in 2^bits equal shares, of which the last has what is left over. */
@inline
export function findShare(bits: u32): u32 {
  return min<u32>((code - low) / ((high - low) >> bits), (1 << bits) - 1);
}

/** Go on with the shares from `from` on and before `to`, of 2^bits. */
@inline
export function takeShares(from: u32, to: u32, bits: u32): void {
  const share = (high - low) >> bits;
  if (to != <u32>1 << bits) high = low + share * to - 1;
  low += share * from;
  renew();
}

/** Code or decode the lowest `bits` bits of `value`, all values being as probable. */
export function codeEvenly(value: u32, bits: u32): u32 {
  let got: u32 = 0;
  while (bits > 0) {
    const part = min<u32>(bits, 8);
    bits -= part;
    const symbol = decoding ? findShare(part) : (value >> bits) & ((1 << part) - 1);
    takeShares(symbol, symbol + 1, part);
    got = (got << part) | symbol;
  }
  return got;
}
