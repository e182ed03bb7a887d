import { addDifference } from "./difference.ts";
import type { MatchList } from "./match-list.ts";

/** Receives matches in the order of the target, as {@link MatchList.add} does. */
export type AddMatch = MatchList["add"];

// Seeds of 16 bytes find a file's content anywhere in the other: one in every 8 bytes of the basis is indexed. A common run
// of 23 bytes holds one, of 64 bytes six, of which some may be lost to others with the same slot.
const SEED_BYTES = 16;
const SEED_STEP_BYTES = 8;

// Seeds of 8 bytes find it near the place where an alignment was lost: every one is indexed, this far ahead and back.
const NEAR_SEED_BYTES = 8;
const NEAR_BYTES = 1 << 11;
const NEAR_INDEX_BITS = 13;

// How many more equal bytes another alignment must have than the present one within this range, to pay for the jump. A near
// jump has a short offset. Counting over a range, not over the exact match alone, keeps accidental matches out: on the
// node binary of bench/RESULTS.md jumps fell from 90,000 to 6,400, fewer than bsdiff makes.
const GAIN_RANGE_BYTES = 256;
const MIN_GAIN_BYTES = 24;
const MIN_NEAR_GAIN_BYTES = 16;

// A gain is hopeless when it has fallen so far below its best.
const HOPELESS_BYTES = 32;

// A stretch of one alignment is worth its equal bytes less twice its unequal ones; below this, plain literals cost less.
const UNEQUAL_COST = 2;
const MIN_WORTH_BYTES = 32;

// Between two matches of one alignment so many unlike bytes are still cheaper as a difference than as an op of their own.
const MAX_BRIDGE_BYTES = 32;

const MULTIPLIER = 0x08104225;
const GOLDEN_RATIO = 0x9e3779b1;

function powerOf(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}

// MULTIPLIER^SEED_BYTES: the weight of the byte that leaves the rolling hash.
const OUT_WEIGHT = powerOf(MULTIPLIER, SEED_BYTES);
const NEAR_OUT_WEIGHT = powerOf(MULTIPLIER, NEAR_SEED_BYTES);

function hashBytes(bytes: Uint8Array, at: number, length: number): number {
  let hash = 0;
  for (let i = at; i < at + length; i++) hash = (Math.imul(hash, MULTIPLIER) + bytes[i]!) | 0;
  return hash;
}

/** Where the seeds of a basis lie, by their hashes; of several equal ones the first. */
class SeedIndex {
  readonly #offsets: Int32Array;
  readonly #shift: number;

  constructor(basis: Uint8Array) {
    const bits = Math.max(8, Math.min(26, Math.ceil(Math.log2((2 * basis.length) / SEED_STEP_BYTES + 1))));
    this.#shift = 32 - bits;
    this.#offsets = new Int32Array(1 << bits);
    const last = basis.length - SEED_BYTES;
    for (let at = last - (last % SEED_STEP_BYTES); at >= 0; at -= SEED_STEP_BYTES) {
      this.#offsets[this.#slot(hashBytes(basis, at, SEED_BYTES))] = at + 1;
    }
  }

  #slot(hash: number): number {
    return Math.imul(hash, GOLDEN_RATIO) >>> this.#shift;
  }

  /** Offset of a seed that may have this hash, or −1. */
  find(hash: number): number {
    return this.#offsets[this.#slot(hash)]! - 1;
  }
}

/** An exact match between two arrays; it aligns target offset `start` with basis offset `start + shift`. */
interface Anchor {
  start: number;
  end: number;
  shift: number;
}

/**
 * Matches a file of the target with one of the basis, byte by byte: exact matches of some length are found by seeds, then
 * each is extended over mismatches as far as more bytes are equal than not, as bsdiff does.
 *
 * Both files are in memory, and an index of half the basis' size.
 */
export class PairMatcher {
  /** Match all of `target` with `basis`; offsets given to `add` are relative to the two arrays. */
  match(target: Uint8Array, basis: Uint8Array, add: AddMatch): void {
    const flush = ({ start, end, shift }: Anchor): void => {
      if (worthOf(target, basis, start, end, shift) < Math.min(MIN_WORTH_BYTES, target.length)) return;
      addDifference(
        { add },
        start,
        start + shift,
        target.subarray(start, end),
        basis.subarray(start + shift, end + shift),
      );
    };
    // Anchors of one alignment, and the bytes between them, that follow each other without a gap.
    let stretch: Anchor | undefined;
    for (const anchor of findAnchors(target, basis)) {
      const { left, right } = fillGap(target, basis, stretch, anchor);
      if (stretch !== undefined && left === right && stretch.shift === anchor.shift) {
        stretch.end = anchor.end;
        continue;
      }
      if (stretch !== undefined) flush({ ...stretch, end: left });
      stretch = { ...anchor, start: right };
    }
    if (stretch === undefined) return;
    stretch.end += extendForward(target, basis, stretch.end, stretch.shift, target.length - stretch.end);
    flush(stretch);
  }
}

/** Equal bytes less the cost of unequal ones: what an alignment saves over a range of the target. */
function worthOf(target: Uint8Array, basis: Uint8Array, start: number, end: number, shift: number): number {
  let worth = 0;
  for (let i = start; i < end; i++) worth += target[i] === basis[i + shift] ? 1 : -UNEQUAL_COST;
  return worth;
}

/** Finds, around the place where the basis goes on, short seeds: where an alignment is lost, the next is mostly near. */
class NearIndex {
  readonly #basis: Uint8Array;
  readonly #offsets = new Int32Array(1 << NEAR_INDEX_BITS).fill(-1);
  /** The seeds that begin in this range of the basis are indexed. */
  #from = 0;
  #to = 0;

  constructor(basis: Uint8Array) {
    this.#basis = basis;
  }

  /** Offset of a seed near `basisAt` that may have this hash, or −1. */
  find(hash: number, basisAt: number): number {
    const to = Math.min(basisAt + NEAR_BYTES, this.#basis.length - NEAR_SEED_BYTES + 1);
    if (to > this.#to || basisAt < this.#from) this.#index(Math.max(0, basisAt - NEAR_BYTES), to);
    return this.#offsets[nearSlot(hash)]!;
  }

  #index(from: number, to: number): void {
    const start = from > this.#to || from < this.#from ? from : this.#to;
    if (start === from) this.#from = from;
    // A stretch ahead is indexed at once, so that moving on by a byte does not start the rolling hash again.
    const end = Math.min(to + NEAR_BYTES, this.#basis.length - NEAR_SEED_BYTES + 1);
    this.#to = Math.max(start, end);
    if (end <= start) return;
    const basis = this.#basis;
    let hash = hashBytes(basis, start, NEAR_SEED_BYTES);
    for (let at = start; ; ) {
      this.#offsets[nearSlot(hash)] = at;
      if (++at >= end) break;
      hash =
        (Math.imul(hash, MULTIPLIER) +
          basis[at + NEAR_SEED_BYTES - 1]! -
          Math.imul(NEAR_OUT_WEIGHT, basis[at - 1]!)) |
        0;
    }
  }
}

function nearSlot(hash: number): number {
  return Math.imul(hash, GOLDEN_RATIO) >>> (32 - NEAR_INDEX_BITS);
}

/** Exact matches in the order of the target, not overlapping. */
function* findAnchors(target: Uint8Array, basis: Uint8Array): Generator<Anchor, void, undefined> {
  if (target.length < SEED_BYTES || basis.length < SEED_BYTES) {
    const end = countEqual(target, basis, 0, 0);
    if (end > 0) yield { start: 0, end, shift: 0 };
    return;
  }
  let last: Anchor = { start: 0, end: countEqual(target, basis, 0, 0), shift: 0 };
  if (last.end > 0) yield last;
  if (last.end === target.length) return;
  const index = new SeedIndex(basis);
  const near = new NearIndex(basis);
  const lastSeed = target.length - SEED_BYTES;
  let at = last.end;
  let hash = 0;
  let nearHash = 0;
  let known = false;
  while (at <= lastSeed) {
    if (!known) {
      hash = hashBytes(target, at, SEED_BYTES);
      nearHash = hashBytes(target, at, NEAR_SEED_BYTES);
      known = true;
    }
    const basisAt = at + last.shift;
    let candidate = basisAt >= 0 && basisAt < basis.length ? near.find(nearHash, basisAt) : -1;
    let anchor =
      candidate < 0
        ? undefined
        : tryAnchor(target, basis, at, candidate, last, NEAR_SEED_BYTES, MIN_NEAR_GAIN_BYTES);
    if (anchor === undefined) {
      candidate = index.find(hash);
      if (candidate >= 0) anchor = tryAnchor(target, basis, at, candidate, last, SEED_BYTES, MIN_GAIN_BYTES);
    }
    if (anchor !== undefined) {
      yield anchor;
      last = anchor;
      at = anchor.end;
      known = false;
      continue;
    }
    hash = (Math.imul(hash, MULTIPLIER) + target[at + SEED_BYTES]! - Math.imul(OUT_WEIGHT, target[at]!)) | 0;
    nearHash =
      (Math.imul(nearHash, MULTIPLIER) +
        target[at + NEAR_SEED_BYTES]! -
        Math.imul(NEAR_OUT_WEIGHT, target[at]!)) |
      0;
    at++;
  }
}

function countEqual(target: Uint8Array, basis: Uint8Array, targetAt: number, basisAt: number): number {
  const limit = Math.min(target.length - targetAt, basis.length - basisAt);
  let i = 0;
  while (i < limit && target[targetAt + i] === basis[basisAt + i]) i++;
  return i;
}

/** The exact match around a seed, if there is one and it is worth leaving the last one's alignment for it. */
function tryAnchor(
  target: Uint8Array,
  basis: Uint8Array,
  at: number,
  candidate: number,
  last: Anchor,
  seedBytes: number,
  minGain: number,
): Anchor | undefined {
  const shift = candidate - at;
  const forward = countEqual(target, basis, at, candidate);
  if (forward < seedBytes) return undefined;
  if (shift !== last.shift && gainOf(target, basis, at, shift, last.shift, minGain) < minGain)
    return undefined;
  const backLimit = Math.min(at - last.end, candidate);
  let back = 0;
  while (back < backLimit && target[at - back - 1] === basis[candidate - back - 1]) back++;
  return { start: at - back, end: at + forward, shift };
}

/** How many more bytes are equal in one alignment than in another, over the range from `at` where that is most. */
function gainOf(
  target: Uint8Array,
  basis: Uint8Array,
  at: number,
  shift: number,
  otherShift: number,
  enough: number,
): number {
  const end = Math.min(target.length, basis.length - shift, at + GAIN_RANGE_BYTES);
  let gain = 0;
  let best = 0;
  for (let i = at; i < end; i++) {
    const byte = target[i];
    if (byte === basis[i + shift]) gain++;
    else gain--;
    if (byte === basis[i + otherShift]) gain--;
    if (gain > best) {
      best = gain;
      if (best >= enough) return best;
    } else if (gain < best - HOPELESS_BYTES) break;
  }
  return best;
}

/** How far an alignment goes on forwards from `at` with more equal bytes than others: the length that maximises the surplus. */
function extendForward(
  target: Uint8Array,
  basis: Uint8Array,
  at: number,
  shift: number,
  limit: number,
): number {
  const end = Math.min(limit, basis.length - at - shift);
  let surplus = 0;
  let best = 0;
  let bestLength = 0;
  for (let i = 0; i < end; i++) {
    if (target[at + i] === basis[at + shift + i]) {
      surplus++;
      if (surplus > best) {
        best = surplus;
        bestLength = i + 1;
      }
    } else surplus--;
  }
  return bestLength;
}

/** The same backwards from `at`. */
function extendBackward(
  target: Uint8Array,
  basis: Uint8Array,
  at: number,
  shift: number,
  limit: number,
): number {
  const end = Math.min(limit, at + shift);
  let surplus = 0;
  let best = 0;
  let bestLength = 0;
  for (let i = 1; i <= end; i++) {
    if (target[at - i] === basis[at + shift - i]) {
      surplus++;
      if (surplus > best) {
        best = surplus;
        bestLength = i;
      }
    } else surplus--;
  }
  return bestLength;
}

/**
 * Share out the target bytes between two anchors: those before `left` follow the previous alignment, those from `right`
 * the next, those between neither.
 */
function fillGap(
  target: Uint8Array,
  basis: Uint8Array,
  previous: Anchor | undefined,
  next: Anchor,
): { left: number; right: number } {
  const from = previous?.end ?? 0;
  const gap = next.start - from;
  const backward = extendBackward(target, basis, next.start, next.shift, gap);
  if (previous === undefined) return { left: 0, right: next.start - backward };
  const forward = extendForward(target, basis, from, previous.shift, gap);
  const between = gap - forward - backward;
  if (previous.shift === next.shift && between <= MAX_BRIDGE_BYTES)
    return { left: next.start, right: next.start };
  if (between > 0) return { left: from + forward, right: next.start - backward };
  // Both claim the middle: cut where the sum of equal bytes is largest.
  let surplus = 0;
  let best = 0;
  let cut = next.start - backward;
  for (let i = cut; i < from + forward; i++) {
    if (target[i] === basis[i + previous.shift]) surplus++;
    if (target[i] === basis[i + next.shift]) surplus--;
    if (surplus > best) {
      best = surplus;
      cut = i + 1;
    }
  }
  return { left: cut, right: cut };
}
