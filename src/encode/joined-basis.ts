import type { MatchColumns, MatchList } from "../match/index.ts";

/** A range of the basis. */
export interface BasisRange {
  offset: number;
  bytes: number;
}

/**
 * Append the matches of a range of the target with ranges of the basis that were joined for matching, each back where it
 * lies. A match across a border becomes two.
 *
 * @param targetOffset - where the range of the target begins.
 * @param ranges - the ranges of the basis as they were joined; `columns` has offsets from the first one's beginning.
 */
export function addJoinedColumns(
  matches: MatchList,
  targetOffset: number,
  ranges: readonly BasisRange[],
  { targetOffsets, basisOffsets, lengths, exact }: MatchColumns,
): void {
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i]!;
    let at = basisOffsets[i]!;
    let done = 0;
    for (const { offset, bytes } of ranges) {
      if (at < bytes) {
        const piece = Math.min(length - done, bytes - at);
        matches.add(targetOffset + targetOffsets[i]! + done, offset + at, piece, exact[i] === 1);
        done += piece;
        if (done === length) break;
        at += piece;
      }
      at -= bytes;
    }
  }
}
