import type { Source } from "../io/index.ts";
import { type MatchColumns, MatchList, matchPairInput } from "../match/index.ts";
import { addJoinedRecords, type BasisRange } from "./joined-basis.ts";

/** A range of the target, and the ranges of the basis that it is matched with as if these were one file. */
export interface Pair {
  readonly target: BasisRange;
  readonly basis: readonly BasisRange[];
  /** Whether to look for better alignments in steps only where one has most bytes equal: a third less time. */
  readonly skims?: boolean | undefined;
}

/** Where the bytes of pairs are. */
export interface PairSources {
  readonly target: Source;
  readonly basis: Source;
}

/**
 * Where files of the target are matched with files of the basis: in this thread, or on others. It has no part in what is
 * found: a delta is the same bytes wherever its pairs are matched.
 */
export interface PairMatching {
  /** How many calls of {@link match} can be worked on at the same time, 1 at least. A few more are held ready, of small files many. */
  readonly concurrency: number;
  /**
   * Match pairs whose targets come in rising order. Offsets of what is found are those in the sources. Calls may overlap.
   *
   * @param signal - when it is aborted the call rejects with its reason, in the middle of the work where that can be.
   */
  match(sources: PairSources, pairs: readonly Pair[], signal?: AbortSignal): Promise<MatchColumns>;
}

/** How many bytes the files of a pair have. */
export function bytesOfPair({ target, basis }: Pair): number {
  return target.bytes + joinedBytes(basis);
}

/** How many bytes ranges have together. */
export function joinedBytes(ranges: readonly BasisRange[]): number {
  return ranges.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Fill `into` with ranges of a source one behind the other. */
export async function readJoined(
  source: Source,
  ranges: readonly BasisRange[],
  into: Uint8Array,
): Promise<void> {
  let filled = 0;
  for (const { offset, bytes } of ranges) {
    await source.read(offset, into.subarray(filled, filled + bytes));
    filled += bytes;
  }
}

// Longer reads hold up whatever else the calling thread has to do.
const MAX_SYNC_BYTES = 1 << 20;

/** Read a range at once where that can be and is soon done; else what must be awaited. */
function readSoon(source: Source, offset: number, into: Uint8Array): Promise<void> | undefined {
  if (source.readSync === undefined || into.length > MAX_SYNC_BYTES) return source.read(offset, into);
  source.readSync(offset, into);
  return undefined;
}

/** Matches pairs one after the other in the calling thread. */
export const inlinePairMatching: PairMatching = {
  concurrency: 1,
  match: async ({ target, basis }, pairs, signal) => {
    const matches = new MatchList();
    for (const pair of pairs) {
      signal?.throwIfAborted();
      const { offset: start, bytes: targetBytes } = pair.target;
      const [first] = pair.basis;
      const input = {
        targetBytes,
        basisBytes: joinedBytes(pair.basis),
        skims: pair.skims === true,
        readTarget: (offset: number, into: Uint8Array) => readSoon(target, start + offset, into),
        readBasis: (into: Uint8Array) =>
          pair.basis.length === 1
            ? readSoon(basis, first!.offset, into)
            : readJoined(basis, pair.basis, into),
      };
      await matchPairInput(input, (records, pieceOffset) =>
        addJoinedRecords(matches, start + pieceOffset, pair.basis, records),
      );
    }
    return matches.toColumns();
  },
};
