import { type MatchColumns, matchPair } from "../match/index.ts";

/**
 * Where files of the target are matched with files of the basis: in this thread, or on others. It has no part in what is
 * found: a delta is the same bytes wherever its pairs are matched.
 */
export interface PairMatching {
  /** How many pairs can be worked on at the same time, 1 at least. A few more are held ready. */
  readonly concurrency: number;
  /**
   * Match all of `target` with `basis`. Offsets are relative to the two arrays, which are given away: they may be empty
   * afterwards. Calls may overlap.
   *
   * @param signal - when it is aborted the call rejects with its reason, in the middle of the work where that can be.
   */
  match(target: Uint8Array, basis: Uint8Array, signal?: AbortSignal): Promise<MatchColumns>;
}

/** Matches each pair in the calling thread, before the call returns. */
export const inlinePairMatching: PairMatching = {
  concurrency: 1,
  match: async (target, basis, signal) => {
    signal?.throwIfAborted();
    return matchPair(target, basis);
  },
};
