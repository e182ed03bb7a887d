import { addDifference } from "./difference.ts";
import type { MatchList } from "./match-list.ts";

/** Receives matches in the order of the target, as {@link MatchList.add} does. */
export type AddMatch = MatchList["add"];

// Seeds are 16 bytes, and one in every 8 bytes of the basis is indexed: a common run of 23 bytes holds one, of 64 bytes six,
// of which some may be lost to others with the same slot.
const SEED_BYTES = 16;
const SEED_STEP_BYTES = 8;

// A match that leaves the present alignment pays for an op with an offset; shorter ones cost more than they save.
const MIN_JUMP_BYTES = 24;

// How many more equal bytes another alignment must have than the present one, as in bsdiff (Percival 2003).
const MIN_GAIN_BYTES = 8;

const MULTIPLIER = 0x08104225;
const GOLDEN_RATIO = 0x9e3779b1;

function powerOf(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}

// MULTIPLIER^SEED_BYTES: the weight of the byte that leaves the rolling hash.
const OUT_WEIGHT = powerOf(MULTIPLIER, SEED_BYTES);

function hashSeed(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let i = at; i < at + SEED_BYTES; i++) hash = (Math.imul(hash, MULTIPLIER) + bytes[i]!) | 0;
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
      this.#offsets[this.#slot(hashSeed(basis, at))] = at + 1;
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
    const flush = ({ start, end, shift }: Anchor): void =>
      addDifference(
        { add },
        start,
        start + shift,
        target.subarray(start, end),
        basis.subarray(start + shift, end + shift),
      );
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
  const lastSeed = target.length - SEED_BYTES;
  let at = last.end;
  let hash = at <= lastSeed ? hashSeed(target, at) : 0;
  while (at <= lastSeed) {
    const candidate = index.find(hash);
    const anchor = candidate < 0 ? undefined : tryAnchor(target, basis, at, candidate, last);
    if (anchor !== undefined) {
      yield anchor;
      last = anchor;
      at = anchor.end;
      if (at <= lastSeed) hash = hashSeed(target, at);
      continue;
    }
    hash = (Math.imul(hash, MULTIPLIER) + target[at + SEED_BYTES]! - Math.imul(OUT_WEIGHT, target[at]!)) | 0;
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
): Anchor | undefined {
  const forward = countEqual(target, basis, at, candidate);
  if (forward < SEED_BYTES) return undefined;
  const backLimit = Math.min(at - last.end, candidate);
  let back = 0;
  while (back < backLimit && target[at - back - 1] === basis[candidate - back - 1]) back++;
  const anchor = { start: at - back, end: at + forward, shift: candidate - at };
  if (anchor.shift === last.shift) return anchor;
  const length = anchor.end - anchor.start;
  if (length < MIN_JUMP_BYTES) return undefined;
  // The last alignment may do nearly as well here; then there is nothing to gain. A sample of a long match tells.
  const sampleEnd = anchor.start + Math.min(length, 256);
  let equal = 0;
  for (let i = anchor.start; i < sampleEnd; i++) if (target[i] === basis[i + last.shift]) equal++;
  return equal + MIN_GAIN_BYTES < sampleEnd - anchor.start ? anchor : undefined;
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
    } else if (--surplus < best - GIVE_UP_BYTES) break;
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
    } else if (--surplus < best - GIVE_UP_BYTES) break;
  }
  return bestLength;
}

// Between two matches of one alignment so many unlike bytes are still cheaper as a difference than as an op of their own.
const MAX_BRIDGE_BYTES = 32;

// An extension ends for good when so many more bytes differ than are equal.
const GIVE_UP_BYTES = 64;

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
