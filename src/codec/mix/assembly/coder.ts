// A carry-less arithmetic coder for binary decisions: the interval [low, high] of 32 bits is split in proportion to the
// probability, and equal leading bytes are shifted out.
import { CODED } from "./memory";

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

/** Coded bytes written or read since the area was emptied or filled. */
export function getCodedPosition(): u32 {
  return <u32>(at - CODED);
}

/** End a segment in the encoder: 4 bytes within the interval. */
export function finishCoder(): void {
  store<u32>(at, bswap(high));
  at += 4;
}

/** Code `bit`, or decode it, given the probability (1 to 65,535 of 65,536) that it is 1. */
@inline
export function codeBit(bit: i32, probability: i32): i32 {
  const range = high - low;
  const middle = low + (range >> 16) * <u32>probability + (((range & 0xffff) * <u32>probability) >> 16);
  if (decoding) bit = i32(code <= middle);
  if (bit) high = middle;
  else low = middle + 1;
  while (((low ^ high) & 0xff000000) == 0) {
    if (decoding) code = (code << 8) | load<u8>(at);
    else store<u8>(at, high >> 24);
    at++;
    low <<= 8;
    high = (high << 8) | 255;
  }
  return bit;
}
