import type { MatchList } from "./match-list.ts";

/** The matches of two arrays as columns of one length, each with a buffer of its own, to be moved between threads. */
export interface MatchColumns {
  targetOffsets: Float64Array<ArrayBuffer>;
  basisOffsets: Float64Array<ArrayBuffer>;
  lengths: Float64Array<ArrayBuffer>;
  /** 1 where every byte is equal, else 0. */
  exact: Uint8Array<ArrayBuffer>;
}

/** Append the matches of two ranges that begin at these offsets. */
export function addColumns(
  matches: MatchList,
  targetOffset: number,
  basisOffset: number,
  { targetOffsets, basisOffsets, lengths, exact }: MatchColumns,
): void {
  for (let i = 0; i < lengths.length; i++) {
    matches.add(
      targetOffset + targetOffsets[i]!,
      basisOffset + basisOffsets[i]!,
      lengths[i]!,
      exact[i] === 1,
    );
  }
}
