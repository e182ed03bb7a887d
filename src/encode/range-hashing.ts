import type { Source, SourceRange } from "../io/index.ts";
import { EntryScanner } from "../transform/index.ts";

/** Where ranges of the target are hashed for the checksums of windows: in this thread, or on others. */
export interface RangeHashing {
  /**
   * XXH64 (seed 0) of a range. Calls may overlap.
   *
   * @param signal - when it is aborted the call rejects with its reason.
   */
  hash64(source: Source, range: SourceRange, signal?: AbortSignal): Promise<bigint>;
}

/**
 * Reads straight into the memory of the hash, as in a pass over a whole source. Kept for the next range: for a hundred of them, new
 * memory took longer to touch than to hash.
 */
let kept: EntryScanner | undefined;

/** Hashes in the calling thread. */
export const inlineRangeHashing: RangeHashing = {
  hash64: async (source, { offset, length }, signal) => {
    const scanner = kept ?? (await EntryScanner.create());
    // Whoever comes meanwhile makes another.
    kept = undefined;
    scanner.restart();
    const end = offset + length;
    for (let at = offset; at < end; ) {
      signal?.throwIfAborted();
      const piece = scanner.piece.subarray(0, Math.min(scanner.piece.length, end - at));
      if (source.readSync === undefined) await source.read(at, piece);
      else source.readSync(at, piece);
      scanner.hashPiece(piece.length);
      at += piece.length;
    }
    kept = scanner;
    return scanner.digest();
  },
};
