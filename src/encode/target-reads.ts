import { CHUNK_BYTES, type SourceRange } from "../io/index.ts";
import type { MatchList } from "../match/index.ts";
import { MIN_RUN_BYTES } from "./runs.ts";
import { MAX_HEADER_OP_BYTES, type WindowBounds } from "./window-builder.ts";

/** Shorter copies are read in passing: seeking past them would take as long. */
const MIN_UNREAD_BYTES = CHUNK_BYTES;

/** A range of the target in the order of writing. */
export interface TargetRange extends SourceRange {
  /** Set where one exact match covers all of it, and the writer need not see the bytes. */
  isUnread: boolean;
}

/**
 * Whether ops and their bytes are sure to fit into one window: its checksum is that of the whole target then.
 *
 * @param literalBytes - bytes that no match covers.
 * @param residualBytes - bytes of matches that are not exact, headers among them.
 */
export function fitsOneWindow(
  target: { bytes: number; matches: number; literalBytes: number; residualBytes: number },
  { windowBytes, segmentBytes }: WindowBounds,
): boolean {
  const { bytes, matches, literalBytes, residualBytes } = target;
  const codedBytes = literalBytes + residualBytes;
  // A match with a gap behind it; the runs and what is between them; what the envelope cuts; room for the last op.
  const mostOps = 2 * matches + 2 * (literalBytes / MIN_RUN_BYTES) + 8;
  return bytes <= windowBytes && codedBytes <= segmentBytes && mostOps * MAX_HEADER_OP_BYTES <= segmentBytes;
}

/**
 * Cut long exact matches out of the ranges that are read. Both are in the target's order.
 *
 * @param readsAll - whether all is read nevertheless.
 */
export function planTargetReads(
  ranges: readonly SourceRange[],
  matches: MatchList,
  readsAll: boolean,
): TargetRange[] {
  const planned: TargetRange[] = [];
  const add = (offset: number, end: number, isUnread: boolean): void => {
    if (end > offset) planned.push({ offset, length: end - offset, isUnread });
  };
  if (readsAll) return ranges.map((range) => ({ ...range, isUnread: false }));
  const copies = [...matches].filter(({ exact, length }) => exact && length >= MIN_UNREAD_BYTES);
  for (const range of ranges) {
    const end = range.offset + range.length;
    let at = range.offset;
    for (const { targetOffset, length } of copies) {
      const from = Math.max(at, targetOffset);
      const to = Math.min(end, targetOffset + length);
      if (to - from < MIN_UNREAD_BYTES) continue;
      add(at, from, false);
      add(from, to, true);
      at = to;
    }
    add(at, end, false);
  }
  return planned;
}
