// Packs as ../pack.ts does.
import { putRun } from "./vectors";

const MIN_GAP_BYTES: usize = 2;

/** More than the two numbers take that come first. */
const HEAD_BYTES: usize = 16;

@inline
function putNumber(at: usize, value: usize): usize {
  while (value >= 0x80) {
    store<u8>(at++, value | 0x80);
    value >>= 7;
  }
  store<u8>(at, value);
  return at + 1;
}

/** Place of the first byte from `from` on that is not zero; `end` where there is none. */
@inline
function findNonZero(from: usize, end: usize): usize {
  for (let at = from; at < end; at += 16) {
    const nonZero = ~i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(0))) & 0xffff;
    if (nonZero != 0) return min(at + <usize>ctz<u32>(nonZero), end);
  }
  return end;
}

/** Where the run that begins at `start` ends: behind it are zeros enough for a gap, or nothing. */
@inline
function findRunEnd(start: usize, end: usize): usize {
  let runEnd = start + 1;
  for (let at = runEnd; at < end && at - runEnd < MIN_GAP_BYTES; at++) if (load<u8>(at) != 0) runEnd = at + 1;
  return runEnd;
}

/**
 * Pack `rawBytes` bytes, behind which a vector may be read. From `packed` on three times as many and 48 bytes more are overwritten.
 *
 * @returns how many bytes they are then.
 */
export function pack(raw: usize, rawBytes: usize, packed: usize): usize {
  const end = raw + rawBytes;
  // A gap's number takes no more bytes than the gap and the byte behind it, a run's no more than the run.
  const gaps = packed + HEAD_BYTES;
  const lengths = gaps + rawBytes + 1;
  const runs = lengths + rawBytes;
  let gap = gaps;
  let length = lengths;
  let run = runs;
  let gapStart = raw;
  for (let at = findNonZero(raw, end); at < end; at = findNonZero(gapStart, end)) {
    gap = putNumber(gap, at - gapStart);
    gapStart = findRunEnd(at, end);
    const runBytes = gapStart - at;
    length = putNumber(length, runBytes);
    putRun(run, at, runBytes);
    run += runBytes;
  }
  gap = putNumber(gap, end - gapStart);
  let out = putNumber(putNumber(packed, gap - gaps), length - lengths);
  memory.copy(out, gaps, gap - gaps);
  out += gap - gaps;
  memory.copy(out, lengths, length - lengths);
  out += length - lengths;
  memory.copy(out, runs, run - runs);
  return out + (run - runs) - packed;
}
