import { hashSource64, PieceHash } from "../hash/index.ts";
import type { Source, SourceRange } from "../io/index.ts";

/** Where ranges of the target are hashed for the checksums of windows: in this thread, or on others. */
export interface RangeHashing {
  /**
   * XXH64 (seed 0) of a range. Calls may overlap.
   *
   * @param signal - when it is aborted the call rejects with its reason.
   */
  hash64(source: Source, range: SourceRange, signal?: AbortSignal): Promise<bigint>;
}

/** Used again for the next range: for a hundred of them, new memory took longer to touch than to hash. */
let kept: PieceHash | undefined;

/** Hashes in the calling thread. */
export const inlineRangeHashing: RangeHashing = {
  hash64: async (source, range, signal) => {
    const hash = kept ?? (await PieceHash.create());
    // Whoever comes meanwhile makes another.
    kept = undefined;
    const found = await hashSource64(source, { ...range, signal, hash });
    kept = hash;
    return found;
  },
};
