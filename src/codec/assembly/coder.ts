// A carry-less arithmetic coder for binary decisions: the interval [low, high] of 32 bits is split in proportion to the
// probability, and equal leading bytes are shifted out.
import { CODED } from "./layout";
import { settledBits, shiftIn } from "./shift";

let low: u32 = 0;
let high: u32 = 0xffffffff;
let code: u32 = 0;
let decoding: bool = false;
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

/** Coded bytes written or read since the area was emptied or filled: in a decoder up to 4 too many until the end. */
export function getCodedPosition(): i32 {
  return <i32>(at - CODED);
}

/**
 * End a segment: with as few bytes as tell a number in the interval when zeros follow. A decoder takes back what it read
 * beyond them.
 */
export function finishCoder(): void {
  let ending: u32 = 0;
  let bytes: u32 = 0;
  while (ending < low || ending > high) {
    bytes++;
    const below: u32 = bytes < 4 ? 0xffffffff >> (8 * bytes) : 0;
    ending = high & ~below;
  }
  if (decoding) at -= 4 - <usize>bytes;
  else {
    store<u32>(at, bswap(ending));
    at += <usize>bytes;
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
  const bits = settledBits(low, high);
  if (decoding) code = shiftIn(code, bswap(load<u32>(at)), bits);
  else store<u32>(at, bswap(high));
  at += <usize>(bits >> 3);
  low = shiftIn(low, 0, bits);
  high = shiftIn(high, 0xffffffff, bits);
  return bit;
}
