import { type Anchor, findAnchors } from "./anchors.ts";
import { addDifference } from "./difference.ts";
import type { MatchList } from "./match-list.ts";
import { indexSeeds, type SeedIndex } from "./seed-index.ts";

/** Receives matches in the order of the target, as {@link MatchList.add} does. */
export type AddMatch = MatchList["add"];

// A stretch of one alignment is worth its equal bytes less its unequal ones. Below these, plain literals cost less: the op is
// shorter where the alignment is that of the match before, or one near it. Against 32 everywhere and unequal bytes counted
// twice, codec mix makes 6 % less of Debian's updates, 1.6 % less of a Go program's and 1 % less of npm packages'.
const MIN_SAME_WORTH_BYTES = 12;
const MIN_NEAR_WORTH_BYTES = 24;
const MIN_FAR_WORTH_BYTES = 32;

/** Alignments that differ by less are near. */
const NEAR_SHIFT_BYTES = 1 << 12;

// Short stretches of few different bytes, such as letters that are written `\u041a`, cost little as literals: what comes before foretells
// them. So those from far away must be worth more: front ends 6 % smaller, npm packages 0.1 to 1.2 %, all else within 0.3 %.
const MAX_PLAIN_BYTES = 128;
const MAX_PLAIN_KINDS = 16;
const MIN_PLAIN_WORTH_BYTES = 64;

// Between two matches of one alignment so many unlike bytes are still cheaper as a difference than as an op of their own.
const MAX_BRIDGE_BYTES = 32;

/**
 * A larger target is matched in pieces of this size, each by itself, so that several threads may share them. A cut costs an
 * op at most: with cuts of this kind the deltas of the binaries in bench/RESULTS.md were the same size to 0.01 %.
 */
export const PIECE_BYTES = 1 << 23;

/**
 * What the WASM kernel does, in plain TypeScript: two to four times as slow, and the oracle in its tests.
 *
 * Matches a file of the target with one of the basis, byte by byte: exact matches of some length are found by seeds, then
 * each is extended over mismatches as far as more bytes are equal than not, as bsdiff does.
 *
 * Both files are in memory, and an index of once to twice the size of the basis.
 */
export class PairMatcher {
  /** Match all of `target` with `basis`; offsets given to `add` are relative to the two arrays. */
  match(target: Uint8Array, basis: Uint8Array, add: AddMatch, skims = false): void {
    let seeds: SeedIndex | undefined;
    const seedsOf = (): SeedIndex => {
      seeds ??= indexSeeds(basis);
      return seeds;
    };
    for (let at = 0; at < target.length; at += PIECE_BYTES) {
      const addFromPiece: AddMatch = (targetOffset, ...match) => add(at + targetOffset, ...match);
      matchPiece(target.subarray(at, at + PIECE_BYTES), at, basis, seedsOf, addFromPiece, skims);
    }
  }
}

/**
 * Match a piece of a target.
 *
 * @param pieceOffset - where in the target it begins: the alignment that is tried first.
 * @param add - receives offsets relative to the piece and to the basis.
 */
export function matchPiece(
  piece: Uint8Array,
  pieceOffset: number,
  basis: Uint8Array,
  seedsOf: () => SeedIndex,
  add: AddMatch,
  skims: boolean,
): void {
  let lastShift = pieceOffset;
  const flush = ({ start, end, shift }: Anchor, anchoredBytes: number): void => {
    // All but the anchors unequal would be the worst; mostly even that is worth enough, and nothing need be counted.
    const leastWorth = anchoredBytes - (end - start - anchoredBytes);
    const minWorth = Math.min(leastWorthOf(piece, start, end, shift - lastShift), piece.length);
    if (leastWorth < minWorth && worthOf(piece, basis, start, end, shift) < minWorth) return;
    lastShift = shift;
    addDifference(
      { add },
      start,
      start + shift,
      piece.subarray(start, end),
      basis.subarray(start + shift, end + shift),
    );
  };
  // Anchors of one alignment, and the bytes between them, that follow each other without a gap.
  let stretch: Anchor | undefined;
  let anchoredBytes = 0;
  for (const anchor of findAnchors(piece, basis, pieceOffset, seedsOf, skims)) {
    const { left, right } = fillGap(piece, basis, stretch, anchor);
    if (stretch !== undefined && left === right && stretch.shift === anchor.shift) {
      stretch.end = anchor.end;
      anchoredBytes += anchor.end - anchor.start;
      continue;
    }
    if (stretch !== undefined) flush({ ...stretch, end: left }, anchoredBytes);
    stretch = { ...anchor, start: right };
    anchoredBytes = anchor.end - anchor.start;
  }
  if (stretch === undefined) return;
  stretch.end += extendForward(piece, basis, stretch.end, stretch.shift, piece.length - stretch.end);
  flush(stretch, anchoredBytes);
}

/** Whether a range has few different bytes. */
function isPlain(target: Uint8Array, start: number, end: number): boolean {
  return new Set(target.subarray(start, end)).size <= MAX_PLAIN_KINDS;
}

/** What a stretch must be worth whose alignment differs by `jump` from that of the match before it. */
function leastWorthOf(target: Uint8Array, start: number, end: number, jump: number): number {
  if (jump === 0) return MIN_SAME_WORTH_BYTES;
  if (Math.abs(jump) < NEAR_SHIFT_BYTES) return MIN_NEAR_WORTH_BYTES;
  const isShort = end - start < MAX_PLAIN_BYTES;
  return isShort && isPlain(target, start, end) ? MIN_PLAIN_WORTH_BYTES : MIN_FAR_WORTH_BYTES;
}

/** Equal bytes less unequal ones: what an alignment saves over a range of the target. */
function worthOf(target: Uint8Array, basis: Uint8Array, start: number, end: number, shift: number): number {
  let worth = 0;
  for (let i = start; i < end; i++) worth += target[i] === basis[i + shift] ? 1 : -1;
  return worth;
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
