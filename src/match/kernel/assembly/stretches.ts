// Anchors of one alignment and the bytes between them become matches: see ../../pair.ts and ../../difference.ts.
import { end, nextAnchor, shift, start, startAnchors } from "./anchors";
import {
  basis,
  basisBytes,
  countAllEqual,
  countEqual,
  countEqualBefore,
  equalBits,
  equalBitsBefore,
  target,
  targetBytes,
} from "./inputs";

const MIN_SAME_WORTH_BYTES: i32 = 12;
const MIN_NEAR_WORTH_BYTES: i32 = 24;
const MIN_FAR_WORTH_BYTES: i32 = 32;
const NEAR_SHIFT_BYTES: i32 = 1 << 12;
const MAX_PLAIN_BYTES: i32 = 128;
const MIN_PLAIN_WORTH_BYTES: i32 = 64;
const MAX_PLAIN_KINDS: i32 = 16;
const MAX_BRIDGE_BYTES: i32 = 32;
const MIN_EQUAL_RUN_BYTES: i32 = 1024;

/** Matches found: target offset, basis offset, length × 2 + whether exact, u32 each. */
let found: usize = 0;
let foundAt: usize = 0;
let foundLimit: usize = 0;

/** Where matches are listed. It has room for `limit` bytes and for one stretch more. */
export function setFound(at: usize, limit: usize): void {
  found = at;
  foundAt = at;
  foundLimit = at + limit;
}

function add(at: i32, basisAt: i32, length: i32, exact: u32): void {
  if (length == 0) return;
  store<i32>(foundAt, at);
  store<i32>(foundAt, basisAt, 4);
  store<u32>(foundAt, (<u32>length << 1) | exact, 8);
  foundAt += 12;
}

/** Equal runs of a range as exact matches, what is between them as differences. */
function addDifference(from: i32, rangeShift: i32, length: i32): void {
  const basisFrom = from + rangeShift;
  // At the beginning and at the end a run may be short.
  let done = countEqual(from, basisFrom, length);
  add(from, basisFrom, done, 1);
  const tail = countEqualBefore(from + length, basisFrom + length, length - done);
  const end = length - tail;
  // Between them, `at` follows an unlike byte. A long run cannot hold an unlike byte, so it begins behind the last one that is found where
  // a run from here would be: most bytes are never looked at.
  for (let at = done; at + MIN_EQUAL_RUN_BYTES <= end; ) {
    const before = at + MIN_EQUAL_RUN_BYTES;
    const equal = countEqualBefore(from + before, basisFrom + before, MIN_EQUAL_RUN_BYTES);
    if (equal < MIN_EQUAL_RUN_BYTES) {
      at = before - equal;
      continue;
    }
    const runEnd = before + countEqual(from + before, basisFrom + before, end - before);
    add(from + done, basisFrom + done, at - done, 0);
    add(from + at, basisFrom + at, runEnd - at, 1);
    done = runEnd;
    at = runEnd;
  }
  add(from + done, basisFrom + done, end - done, 0);
  add(from + end, basisFrom + end, tail, 1);
}

let lastShift: i32 = 0;

/** Whether a range of the target has few different bytes. */
function isPlain(from: i32, length: i32): bool {
  // A bit for each value that was seen.
  let first: u64 = 0;
  let second: u64 = 0;
  let third: u64 = 0;
  let fourth: u64 = 0;
  for (let at = target + <usize>from, atEnd = at + <usize>length; at < atEnd; at++) {
    const byte = load<u8>(at);
    const bit = <u64>1 << (byte & 63);
    if (byte < 64) first |= bit;
    else if (byte < 128) second |= bit;
    else if (byte < 192) third |= bit;
    else fourth |= bit;
  }
  const kinds = popcnt(first) + popcnt(second) + popcnt(third) + popcnt(fourth);
  return <i32>kinds <= MAX_PLAIN_KINDS;
}

/** What a stretch must be worth whose alignment differs by `jump` from that of the match before it. */
function leastWorthOf(from: i32, length: i32, jump: i32): i32 {
  if (jump == 0) return MIN_SAME_WORTH_BYTES;
  if (abs(jump) < NEAR_SHIFT_BYTES) return MIN_NEAR_WORTH_BYTES;
  return length < MAX_PLAIN_BYTES && isPlain(from, length) ? MIN_PLAIN_WORTH_BYTES : MIN_FAR_WORTH_BYTES;
}

function flush(from: i32, to: i32, newShift: i32, anchored: i32): void {
  const length = to - from;
  const leastWorth = anchored - (length - anchored);
  const minWorth = min(leastWorthOf(from, length, newShift - lastShift), targetBytes);
  if (leastWorth < minWorth && 2 * countAllEqual(from, newShift, length) - length < minWorth) return;
  lastShift = newShift;
  addDifference(from, newShift, length);
}

// The surplus of equal over unlike bytes along an alignment, its highest, and the length up to there.
let surplus: i32 = 0;
let best: i32 = 0;
let bestLength: i32 = 0;

function startWeighing(): void {
  surplus = 0;
  best = 0;
  bestLength = 0;
}

/**
 * Go on by `count` bytes from the `from`th on, 16 at most. It is highest where a run of equal bytes ends.
 *
 * @param bits - which are equal, the first lowest.
 */
function weigh(bits: u32, from: i32, count: i32): void {
  let equal = bits & ((1 << count) - 1);
  const equalCount = popcnt<u32>(equal);
  let running = surplus;
  surplus += 2 * equalCount - count;
  if (running + equalCount <= best) return;
  for (let length = from; equal != 0; ) {
    const unlike = ctz<u32>(equal);
    equal >>= unlike;
    const run = ctz<u32>(~equal);
    equal >>= run;
    length += unlike + run;
    running += run - unlike;
    if (running > best) {
      best = running;
      bestLength = length;
    }
  }
}

function extendForward(at: i32, alignment: i32, limit: i32): i32 {
  const last = min(limit, basisBytes - at - alignment);
  startWeighing();
  for (let i = 0; i < last && surplus + (last - i) > best; i += 16) {
    weigh(equalBits(at + i, alignment), i, min(last - i, 16));
  }
  return bestLength;
}

function extendBackward(at: i32, alignment: i32, limit: i32): i32 {
  const last = min(limit, at + alignment);
  startWeighing();
  for (let i = 0; i < last && surplus + (last - i) > best; i += 16) {
    weigh(equalBitsBefore(at - i, alignment), i, min(last - i, 16));
  }
  return bestLength;
}

/** Where two alignments both claim a range, the place to cut it so that most bytes are equal. */
function findCut(from: i32, to: i32): i32 {
  let gain = 0;
  let mostGain = 0;
  let cut = from;
  for (let i = from; i < to; i += 16) {
    const equal = equalBits(i, stretchShift);
    let different = (equal ^ equalBits(i, shift)) & ((1 << min(to - i, 16)) - 1);
    for (; different != 0; different &= different - 1) {
      const bit = ctz<u32>(different);
      gain += <i32>(((equal >> bit) & 1) << 1) - 1;
      if (gain > mostGain) {
        mostGain = gain;
        cut = i + bit + 1;
      }
    }
  }
  return cut;
}

/** Anchors of one alignment, and the bytes between them, that follow each other without a gap. */
let hasStretch: bool = false;
let stretchStart: i32 = 0;
let stretchEnd: i32 = 0;
let stretchShift: i32 = 0;
let anchoredBytes: i32 = 0;

/** Share out the target bytes before the present anchor, and go on with it. */
function takeAnchor(): void {
  const from = hasStretch ? stretchEnd : 0;
  const gap = start - from;
  const backward = extendBackward(start, shift, gap);
  let left = 0;
  let right = start - backward;
  if (hasStretch) {
    const forward = extendForward(from, stretchShift, gap);
    const between = gap - forward - backward;
    if (stretchShift == shift && between <= MAX_BRIDGE_BYTES) {
      left = start;
      right = start;
    } else if (between > 0) left = from + forward;
    else {
      left = findCut(right, from + forward);
      right = left;
    }
    if (left == right && stretchShift == shift) {
      stretchEnd = end;
      anchoredBytes += end - start;
      return;
    }
    flush(stretchStart, left, stretchShift, anchoredBytes);
  }
  hasStretch = true;
  stretchStart = right;
  stretchEnd = end;
  stretchShift = shift;
  anchoredBytes = end - start;
}

let mayHaveMore: bool = false;

/** Begin to match the target, of which this piece begins at `pieceOffset`, skimming it or not; returns whether the seeds are needed. */
export function startPiece(pieceOffset: i32, skims: bool): bool {
  lastShift = pieceOffset;
  hasStretch = false;
  mayHaveMore = startAnchors(pieceOffset, skims);
  if (end > 0) takeAnchor();
  return mayHaveMore;
}

/** List matches from the beginning of the area; returns how many bytes they take. None are left when that is 0. */
export function findMatches(): usize {
  foundAt = found;
  while (mayHaveMore && foundAt < foundLimit) {
    mayHaveMore = nextAnchor();
    if (mayHaveMore) takeAnchor();
  }
  if (!mayHaveMore && hasStretch) {
    stretchEnd += extendForward(stretchEnd, stretchShift, targetBytes - stretchEnd);
    flush(stretchStart, stretchEnd, stretchShift, anchoredBytes);
    hasStretch = false;
  }
  return foundAt - found;
}
