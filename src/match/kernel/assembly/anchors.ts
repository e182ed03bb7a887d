// Exact matches of some length in the order of the target: see ../../anchors.ts, which says why, and gives the same.
import { areEqual, basis, basisBytes, countAllEqual, countEqual, equalBits, isEqual, target, targetBytes } from "./inputs";
import { findNear, moveNear, NEAR_SEED_BYTES, startNear } from "./near";
import { hash8, rollHash, WEIGHT_8 } from "./rolling-hash";
import { findSeed, SEED_BYTES, startSeeds } from "./seeds";

const GAIN_RANGE_BYTES: i32 = 256;
const MIN_GAIN_BYTES: i32 = 24;
const MIN_NEAR_GAIN_BYTES: i32 = 16;
const HOPELESS_BYTES: i32 = 32;
const MAX_SKIMMED_UNLIKE: i32 = 64;
const SKIMMED_BYTES: i32 = 16;

/** Whether what is mostly equal is gone through in steps. */
let skims: bool = false;

/** The present anchor: it aligns target offset `start` with basis offset `start + shift`. */
export let start: i32 = 0;
export let end: i32 = 0;
export let shift: i32 = 0;

/** The last alignment that gained too little, for the seeds of one kind. */
@unmanaged
class Failed {
  shift: i32;
  at: i32;
  end: i32;
  otherShift: i32;
}

const FAILED_BYTES: usize = 16;

/** In memory that no other instance uses: this one may share it. */
let failedSeed: Failed = changetype<Failed>(0);
let failedNear: Failed = changetype<Failed>(0);

/** Where 32 bytes of an instance's own are. */
export function setFailed(at: usize): void {
  failedSeed = changetype<Failed>(at);
  failedNear = changetype<Failed>(at + FAILED_BYTES);
}

function gainsEnough(failed: Failed, at: i32, newShift: i32, enough: i32): bool {
  const last = min(min(targetBytes, basisBytes - newShift), at + GAIN_RANGE_BYTES);
  let gain = 0;
  let best = 0;
  let equalEnd = at;
  let i = at;
  let isHopeless = false;
  while (i < last && !isHopeless) {
    let equal = equalBits(i, newShift);
    let other = equalBits(i, shift);
    if (equalEnd == i) equalEnd += min(ctz<u32>(~equal), last - i);
    for (const stop = min(i + 16, last); i < stop; i++) {
      gain += <i32>((equal & 1) << 1) - 1 - <i32>(other & 1);
      equal >>= 1;
      other >>= 1;
      if (gain > best) {
        best = gain;
        if (best >= enough) return true;
      } else if (gain < best - HOPELESS_BYTES) {
        isHopeless = true;
        break;
      }
    }
  }
  failed.shift = newShift;
  failed.otherShift = shift;
  failed.at = at;
  failed.end = i < last ? equalEnd : min(equalEnd, at + enough - best);
  return false;
}

/** Make the exact match around a seed the present anchor, if there is one and it is worth leaving the last alignment for it. */
function tryAnchor(failed: Failed, at: i32, candidate: i32, seedBytes: i32, enough: i32): bool {
  const newShift = candidate - at;
  const isOther = newShift != shift;
  if (isOther && newShift == failed.shift && at >= failed.at && at < failed.end && shift == failed.otherShift) return false;
  if (!areEqual(at, candidate, seedBytes)) return false;
  if (isOther && !gainsEnough(failed, at, newShift, enough)) return false;
  const forward = countEqual(at, candidate, min(targetBytes - at, basisBytes - candidate));
  const backLimit = min(at - end, candidate);
  let back = 0;
  while (
    back < backLimit &&
    load<u8>(target + <usize>(at - back - 1)) == load<u8>(basis + <usize>(candidate - back - 1))
  ) {
    back++;
  }
  start = at - back;
  end = at + forward;
  shift = newShift;
  return true;
}

/** Unlike bytes ahead in the present alignment. */
let unlikeShift: i32 = 0;
let unlikeAt: i32 = 0;
let unlikeEnd: i32 = 0;
let unlike: i32 = 0;

function countUnlike(at: i32): i32 {
  const last = min(targetBytes, at + GAIN_RANGE_BYTES);
  if (shift != unlikeShift || at != unlikeAt + 1) {
    const basisAt = at + shift;
    if (basisAt >= 0 && basisAt + (last - at) <= basisBytes) unlike = last - at - countAllEqual(at, shift, last - at);
    else {
      unlike = 0;
      for (let i = at; i < last; i++) unlike += i32(!isEqual(i, shift));
    }
  } else {
    unlike -= i32(!isEqual(at - 1, shift));
    if (last > unlikeEnd) unlike += i32(!isEqual(unlikeEnd, shift));
  }
  unlikeShift = shift;
  unlikeAt = at;
  unlikeEnd = last;
  return unlike;
}

let nearHash: u32 = 0;
let nearHashAt: i32 = -2;

/** Where skimming from `at` comes to an end: fewer bytes ahead are equal in the present alignment, or there are too few. */
function skim(at: i32): i32 {
  const last = min(targetBytes, basisBytes - shift) - GAIN_RANGE_BYTES;
  if (at > last) return at;
  let equal = countAllEqual(at, shift, GAIN_RANGE_BYTES);
  while (GAIN_RANGE_BYTES - equal < MAX_SKIMMED_UNLIKE) {
    const next = at + SKIMMED_BYTES;
    if (next > last) return next;
    equal -= popcnt<u32>(equalBits(at, shift));
    equal += popcnt<u32>(equalBits(at + GAIN_RANGE_BYTES, shift));
    at = next;
  }
  return at;
}

/**
 * Begin with the alignment `firstShift`; if any bytes are equal there, they are the present anchor.
 *
 * @returns whether there may be more, for which the seeds are needed.
 */
export function startAnchors(firstShift: i32, isSkimmed: bool): bool {
  skims = isSkimmed;
  start = 0;
  shift = firstShift;
  end = countEqual(0, firstShift, min(targetBytes, basisBytes - firstShift));
  if (end == targetBytes || targetBytes < SEED_BYTES || basisBytes < SEED_BYTES) return false;
  memory.fill(changetype<usize>(failedSeed), 0, 2 * FAILED_BYTES);
  unlikeShift = 0;
  unlikeAt = -2;
  unlikeEnd = 0;
  nearHashAt = -2;
  startNear();
  startSeeds();
  return true;
}

/** Go to the next anchor; whether there is one. */
export function nextAnchor(): bool {
  const lastSeed = targetBytes - SEED_BYTES;
  for (let at = skims ? skim(end) : end; at <= lastSeed; at++) {
    const basisAt = at + shift;
    const inside = basisAt >= 0 && basisAt < basisBytes;
    if (inside) moveNear(basisAt);
    const mostGain = countUnlike(at);
    if (mostGain < MIN_NEAR_GAIN_BYTES && !areEqual(at, basisAt, NEAR_SEED_BYTES)) continue;
    if (inside) {
      const from = target + <usize>at;
      nearHash =
        nearHashAt == at - 1
          ? rollHash(nearHash, load<u8>(from, NEAR_SEED_BYTES - 1), load<u8>(from - 1), WEIGHT_8)
          : hash8(from);
      nearHashAt = at;
      const candidate = findNear(nearHash);
      if (candidate >= 0 && tryAnchor(failedNear, at, candidate, NEAR_SEED_BYTES, MIN_NEAR_GAIN_BYTES)) return true;
    }
    if (mostGain < MIN_GAIN_BYTES && !areEqual(at, basisAt, SEED_BYTES)) continue;
    const candidate = findSeed(at);
    if (candidate >= 0 && tryAnchor(failedSeed, at, candidate, SEED_BYTES, MIN_GAIN_BYTES)) return true;
  }
  return false;
}
