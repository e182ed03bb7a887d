// A carry-less arithmetic coder that codes one of many shares as well as bits. An interval that lies across a border of leading bytes
// and has become small is cut off at the border: so there is always room for 2^16 shares, for less than a thousandth of a bit a
// byte. Behind the coded bytes a decoder reads zeros, so that one byte ends a segment.
import { code, decoding, high, low, putCoded, setBounds, shiftOut, split, takeBackCoded } from "./interval";

export { decoding, getCodedPosition, setCodedPosition, startCoder } from "./interval";

/** What `high - low` is at least before something is coded. */
const MIN_RANGE: u32 = 1 << 16;

/** The byte that ends a segment: any number that begins with it and goes on with zeros is within the interval. */
export function endByte(): u32 {
  return (low >> 24) + 1;
}

/** End a segment: a decoder takes back the 3 bytes that it read beyond the end. */
export function finishCoder(): void {
  if (decoding) takeBackCoded(3);
  else putCoded(endByte() << 24, 1);
}

/** Shift out what is settled; cut the interval where it would become too small. */
@inline
function renew(): void {
  shiftOut();
  while (high - low < MIN_RANGE) {
    const border = high & 0xff000000;
    if (high - border < border - low) setBounds(low, border - 1);
    else setBounds(border, high);
    shiftOut();
  }
}

/** Code `bit`, or decode it, given the probability (1 to 65,535 of 65,536) that it is 1. */
@inline
export function codeBit(bit: i32, probability: i32): i32 {
  const coded = split(bit, probability);
  renew();
  return coded;
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
  setBounds(low + share * from, to == <u32>1 << bits ? high : low + share * to - 1);
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
