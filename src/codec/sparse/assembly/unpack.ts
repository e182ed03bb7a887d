// Unpacks what ../pack.ts packs.
import { putRun, putZeros } from "./vectors";

// What a number of four bytes cannot hold no segment has.
const MAX_SHIFT: i32 = 21;
const NO_NUMBER: i32 = -1;

/** Where the last number ended. */
let numberEnd: usize = 0;

function readRest(from: usize, end: usize, low: i32): i32 {
  let value = low;
  let at = from;
  for (let shift = 7; at < end && shift <= MAX_SHIFT; shift += 7) {
    const byte = <i32>load<u8>(at++);
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    numberEnd = at;
    return byte == 0 ? NO_NUMBER : value;
  }
  return NO_NUMBER;
}

@inline
function readNumber(at: usize, end: usize): i32 {
  if (at >= end) return NO_NUMBER;
  const first = <i32>load<u8>(at);
  if (first >= 0x80) return readRest(at + 1, end, first & 0x7f);
  numberEnd = at + 1;
  return first;
}

/**
 * Fill `intoBytes` bytes from `into` on. A vector behind the end of both may be read and overwritten.
 *
 * @returns whether they are filled; if not, the segment is damaged, or too large for the numbers here.
 */
export function unpack(packed: usize, packedBytes: usize, into: usize, intoBytes: usize): bool {
  const packedEnd = packed + packedBytes;
  const intoEnd = into + intoBytes;
  const gapBytes = readNumber(packed, packedEnd);
  if (gapBytes == NO_NUMBER) return false;
  const lengthBytes = readNumber(numberEnd, packedEnd);
  if (lengthBytes == NO_NUMBER) return false;
  let gap = numberEnd;
  const gapsEnd = gap + <usize>gapBytes;
  let length = gapsEnd;
  const lengthsEnd = length + <usize>lengthBytes;
  let run = lengthsEnd;
  if (run > packedEnd) return false;
  let at = into;
  for (;;) {
    const zeros = readNumber(gap, gapsEnd);
    if (zeros == NO_NUMBER || <usize>zeros > intoEnd - at) return false;
    if (zeros == 0 && length < lengthsEnd && run > lengthsEnd) return false;
    gap = numberEnd;
    putZeros(at, <usize>zeros);
    at += <usize>zeros;
    if (length >= lengthsEnd) break;
    const bytes = readNumber(length, lengthsEnd);
    if (bytes < 1 || <usize>bytes > intoEnd - at || <usize>bytes > packedEnd - run) return false;
    length = numberEnd;
    putRun(at, run, <usize>bytes);
    at += <usize>bytes;
    run += <usize>bytes;
  }
  return at == intoEnd && gap == gapsEnd && run == packedEnd;
}
