import type { AddMatch, MatchColumns, MatchList } from "../match/index.ts";

/** A range of the basis. */
export interface BasisRange {
  offset: number;
  bytes: number;
}

/**
 * Takes matches of a range of the target with ranges of the basis that were joined for matching, and appends each where it
 * lies. A match across a border becomes two.
 *
 * @param start - where the range of the target begins.
 * @param ranges - the ranges of the basis as they were joined; offsets are taken from the first one's beginning.
 */
export function addJoined(matches: MatchList, start: number, ranges: readonly BasisRange[]): AddMatch {
  return (targetOffset, basisOffset, length, exact) => {
    let at = basisOffset;
    let done = 0;
    for (const { offset, bytes } of ranges) {
      if (at < bytes) {
        const piece = Math.min(length - done, bytes - at);
        matches.add(start + targetOffset + done, offset + at, piece, exact);
        done += piece;
        if (done === length) break;
        at += piece;
      }
      at -= bytes;
    }
  };
}

/** The same for all matches of a pair at once. */
export function addJoinedColumns(
  matches: MatchList,
  start: number,
  ranges: readonly BasisRange[],
  { targetOffsets, basisOffsets, lengths, exact }: MatchColumns,
): void {
  const add = addJoined(matches, start, ranges);
  for (let i = 0; i < lengths.length; i++) {
    add(targetOffsets[i]!, basisOffsets[i]!, lengths[i]!, exact[i] === 1);
  }
}

/** The same for matches as a kernel lists them: see `AddRecords`. */
export function addJoinedRecords(
  matches: MatchList,
  start: number,
  ranges: readonly BasisRange[],
  records: Uint32Array,
): void {
  if (ranges.length === 1) {
    matches.addRecords(records, start, ranges[0]!.offset);
    return;
  }
  const add = addJoined(matches, start, ranges);
  for (let i = 0; i < records.length; i += 3) {
    add(records[i]!, records[i + 1]!, records[i + 2]! >>> 1, (records[i + 2]! & 1) === 1);
  }
}
