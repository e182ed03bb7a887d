import { loadHash64 } from "../hash/index.ts";
import { type Source, type SourceRange, scanSource } from "../io/index.ts";

/** Where ranges of the target are hashed for the checksums of windows: in this thread, or on others. */
export interface RangeHashing {
  /**
   * XXH64 (seed 0) of a range. Calls may overlap.
   *
   * @param signal - when it is aborted the call rejects with its reason.
   */
  hash64(source: Source, range: SourceRange, signal?: AbortSignal): Promise<bigint>;
}

// What was read is still in the processor's nearer cache when it is hashed.
const PIECE_BYTES = 1 << 18;

/** Hashes in the calling thread. */
export const inlineRangeHashing: RangeHashing = {
  hash64: async (source, range, signal) => {
    const hash = (await loadHash64()).create();
    for await (const piece of scanSource(source, { ...range, chunkBytes: PIECE_BYTES, signal }))
      hash.update(piece);
    return hash.digest();
  },
};
