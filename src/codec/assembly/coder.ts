// A carry-less arithmetic coder for binary decisions.
import { decoding, high, low, putCoded, shiftOut, split, takeBackCoded } from "./interval";

export { getCodedPosition, setCodedPosition, startCoder } from "./interval";

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
  if (decoding) takeBackCoded(4 - bytes);
  else putCoded(ending, bytes);
}

/** Code `bit`, or decode it, given the probability (1 to 65,535 of 65,536) that it is 1. */
@inline
export function codeBit(bit: i32, probability: i32): i32 {
  const coded = split(bit, probability);
  shiftOut();
  return coded;
}
