import { NEAR_OUT_WEIGHT, NEAR_SEED_BYTES, NearIndex } from "./near-index.ts";
import { hashBytes, rollHash } from "./rolling-hash.ts";
import { SEED_BYTES, SeedFinder, type SeedIndex } from "./seed-index.ts";

/** An exact match between two arrays; it aligns target offset `start` with basis offset `start + shift`. */
export interface Anchor {
  start: number;
  end: number;
  shift: number;
}

// How many more equal bytes another alignment must have than the present one within this range, to pay for the jump. A near
// jump has a short offset. Counting over a range, not over the exact match alone, keeps accidental matches out: on the
// node binary of bench/RESULTS.md jumps fell from 90,000 to 6,400, fewer than bsdiff makes.
const GAIN_RANGE_BYTES = 256;
const MIN_GAIN_BYTES = 24;
const MIN_NEAR_GAIN_BYTES = 16;

// A gain is hopeless when it has fallen so far below its best.
const HOPELESS_BYTES = 32;

// Skimming goes on in steps where fewer bytes within the range are unlike in the present alignment: most of a program that was linked
// anew, where another alignment is seldom better. It takes a third less time on the pairs of bench/RESULTS.md, and changes level 1's
// deltas by −1 to 0.4 %. From 112 on a program's delta would be half as large again, for no less time.
const MAX_SKIMMED_UNLIKE = 64;
const SKIMMED_BYTES = 16;

/** Tries seeds of one kind as anchors. */
class SeedTrial {
  readonly #target: Uint8Array;
  readonly #basis: Uint8Array;
  readonly #seedBytes: number;
  readonly #minGain: number;
  // The last shift that gained too little: from its place to where its equal bytes end, it does so everywhere. What is equal
  // adds to the gain, so beginning later only loses, and the count is hopeless at the same byte. A count that was not
  // hopeless at the end of its range may gain a byte for each byte that it begins later.
  #failedShift = 0;
  #failedAt = 0;
  #failedEnd = 0;
  #failedOtherShift = 0;

  constructor(target: Uint8Array, basis: Uint8Array, seedBytes: number, minGain: number) {
    this.#target = target;
    this.#basis = basis;
    this.#seedBytes = seedBytes;
    this.#minGain = minGain;
  }

  /** The exact match around a seed, if there is one and it is worth leaving the last one's alignment for it. */
  try(at: number, candidate: number, last: Anchor): Anchor | undefined {
    const shift = candidate - at;
    const isOther = shift !== last.shift;
    if (
      isOther &&
      shift === this.#failedShift &&
      at >= this.#failedAt &&
      at < this.#failedEnd &&
      last.shift === this.#failedOtherShift
    )
      return undefined;
    const target = this.#target;
    const basis = this.#basis;
    if (!areEqual(target, basis, at, candidate, this.#seedBytes)) return undefined;
    if (isOther && !this.#gainsEnough(at, shift, last.shift)) return undefined;
    const forward = countEqual(target, basis, at, candidate);
    const backLimit = Math.min(at - last.end, candidate);
    let back = 0;
    while (back < backLimit && target[at - back - 1] === basis[candidate - back - 1]) back++;
    return { start: at - back, end: at + forward, shift };
  }

  /** Whether enough more bytes are equal in one alignment than in another, over the range from `at` where that is most. */
  #gainsEnough(at: number, shift: number, otherShift: number): boolean {
    const target = this.#target;
    const basis = this.#basis;
    const end = Math.min(target.length, basis.length - shift, at + GAIN_RANGE_BYTES);
    const enough = this.#minGain;
    let gain = 0;
    let best = 0;
    let equalEnd = at;
    let i = at;
    for (; i < end; i++) {
      const byte = target[i];
      if (byte === basis[i + shift]) {
        gain++;
        if (equalEnd === i) equalEnd++;
      } else gain--;
      if (byte === basis[i + otherShift]) gain--;
      if (gain > best) {
        best = gain;
        if (best >= enough) return true;
      } else if (gain < best - HOPELESS_BYTES) break;
    }
    this.#failedShift = shift;
    this.#failedOtherShift = otherShift;
    this.#failedAt = at;
    this.#failedEnd = i < end ? equalEnd : Math.min(equalEnd, at + enough - best);
    return false;
  }
}

/** Counts, along a target, the unlike bytes ahead in one alignment: no other alignment can gain more than that. */
class UnlikeCounter {
  readonly #target: Uint8Array;
  readonly #basis: Uint8Array;
  #shift = 0;
  /** The bytes from the place last moved to up to here are counted. */
  #end = 0;
  #at = 0;
  #count = 0;

  constructor(target: Uint8Array, basis: Uint8Array) {
    this.#target = target;
    this.#basis = basis;
  }

  /** Unlike bytes within {@link GAIN_RANGE_BYTES} from `at`, which may only rise. */
  count(at: number, shift: number): number {
    const target = this.#target;
    const basis = this.#basis;
    if (shift !== this.#shift || at >= this.#end) {
      this.#shift = shift;
      this.#count = 0;
      this.#end = at;
    } else {
      for (let i = this.#at; i < at; i++) if (target[i] !== basis[i + shift]) this.#count--;
    }
    this.#at = at;
    const end = Math.min(target.length, at + GAIN_RANGE_BYTES);
    for (let i = this.#end; i < end; i++) if (target[i] !== basis[i + shift]) this.#count++;
    this.#end = end;
    return this.#count;
  }
}

/**
 * Exact matches of some length in the order of the target, not overlapping.
 *
 * @param firstShift - the alignment to begin with.
 * @param seedsOf - gives the index of the basis; called when it is needed, at most once.
 * @param skims - whether to go in steps through what the present alignment has mostly equal.
 */
export function* findAnchors(
  target: Uint8Array,
  basis: Uint8Array,
  firstShift: number,
  seedsOf: () => SeedIndex,
  skims: boolean,
): Generator<Anchor, void, undefined> {
  let last: Anchor = { start: 0, end: countEqual(target, basis, 0, firstShift), shift: firstShift };
  if (last.end > 0) yield last;
  if (last.end === target.length || target.length < SEED_BYTES || basis.length < SEED_BYTES) return;
  const seeds = new SeedFinder(target, seedsOf());
  const near = new NearIndex(basis);
  const seedTrial = new SeedTrial(target, basis, SEED_BYTES, MIN_GAIN_BYTES);
  const nearTrial = new SeedTrial(target, basis, NEAR_SEED_BYTES, MIN_NEAR_GAIN_BYTES);
  const unlike = new UnlikeCounter(target, basis);
  const lastSeed = target.length - SEED_BYTES;
  let nearHash = 0;
  let nearHashAt = -2;
  let skimming = skims;
  for (let at = last.end; at <= lastSeed; ) {
    const basisAt = at + last.shift;
    const inside = basisAt >= 0 && basisAt < basis.length;
    if (skimming && inside) {
      if (isMostlyEqual(target, basis, at, basisAt)) {
        at += SKIMMED_BYTES;
        continue;
      }
      // Not again before an anchor, which tells where what is unlike ends.
      skimming = false;
    }
    if (inside) near.moveTo(basisAt);
    // Where no other alignment can gain enough, a seed is needed only if it is of this alignment: look at the bytes first.
    const mostGain = unlike.count(at, last.shift);
    let anchor: Anchor | undefined;
    if (mostGain >= MIN_NEAR_GAIN_BYTES || areEqual(target, basis, at, basisAt, NEAR_SEED_BYTES)) {
      if (inside) {
        nearHash =
          nearHashAt === at - 1
            ? rollHash(nearHash, target[at + NEAR_SEED_BYTES - 1]!, target[at - 1]!, NEAR_OUT_WEIGHT)
            : hashBytes(target, at, NEAR_SEED_BYTES);
        nearHashAt = at;
        const candidate = near.find(nearHash);
        if (candidate >= 0) anchor = nearTrial.try(at, candidate, last);
      }
      if (
        anchor === undefined &&
        (mostGain >= MIN_GAIN_BYTES || areEqual(target, basis, at, basisAt, SEED_BYTES))
      ) {
        const candidate = seeds.find(at);
        if (candidate >= 0) anchor = seedTrial.try(at, candidate, last);
      }
    }
    if (anchor === undefined) at++;
    else {
      yield anchor;
      last = anchor;
      at = anchor.end;
      skimming = skims;
    }
  }
}

/** Whether few of the bytes ahead are unlike in an alignment. */
function isMostlyEqual(target: Uint8Array, basis: Uint8Array, at: number, basisAt: number): boolean {
  if (at + GAIN_RANGE_BYTES > target.length || basisAt + GAIN_RANGE_BYTES > basis.length) return false;
  let unlike = 0;
  for (let i = 0; i < GAIN_RANGE_BYTES; i++) unlike += Number(target[at + i] !== basis[basisAt + i]);
  return unlike < MAX_SKIMMED_UNLIKE;
}

function countEqual(target: Uint8Array, basis: Uint8Array, targetAt: number, basisAt: number): number {
  const limit = Math.min(target.length - targetAt, basis.length - basisAt);
  let i = 0;
  while (i < limit && target[targetAt + i] === basis[basisAt + i]) i++;
  return i;
}

function areEqual(
  target: Uint8Array,
  basis: Uint8Array,
  targetAt: number,
  basisAt: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (target[targetAt + i] !== basis[basisAt + i]) return false;
  return true;
}
