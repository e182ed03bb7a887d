import { concatBytes } from "../bytes/index.ts";
import { ErrorCode, LimitError } from "../errors.ts";
import type { Sink } from "./sink.ts";
import { memorySource, type Source } from "./source.ts";

/** A place for bytes that must be kept for a while: written once in order, then read at any offset. */
export interface ScratchFile extends Sink {
  /** End writing. The source lives until the file is released. */
  finish(): Promise<Source>;
  /** Give the space back. May be called at any time, more than once. */
  release(): Promise<void>;
}

/** Makes scratch files. `io/node` has one over temporary files. */
export type ScratchSpace = () => Promise<ScratchFile>;

/** What scratch files in memory hold at most unless said otherwise: 1 GiB. */
const DEFAULT_MEMORY_BYTES = 2 ** 30;

/**
 * Scratch files in memory: for small images, tests, and runtimes with no file system.
 *
 * @param maxBytes - what all files that are not released may hold together: 1 GiB by default. More is a {@link LimitError}
 * `MEMORY_LIMIT`.
 */
export function createMemoryScratch(maxBytes: number = DEFAULT_MEMORY_BYTES): ScratchSpace {
  let heldBytes = 0;
  return async () => {
    let parts: Uint8Array[] = [];
    let fileBytes = 0;
    return {
      write: async (bytes) => {
        if (heldBytes + bytes.length > maxBytes) {
          throw new LimitError(
            ErrorCode.MEMORY_LIMIT,
            `scratch files in memory would take more than ${maxBytes} bytes; use fileScratch of flatdelta/node, or allow more`,
          );
        }
        heldBytes += bytes.length;
        fileBytes += bytes.length;
        parts.push(bytes.slice());
      },
      finish: async () => {
        const bytes = concatBytes(parts);
        parts = [bytes];
        return memorySource(bytes);
      },
      release: async () => {
        parts = [];
        heldBytes -= fileBytes;
        fileBytes = 0;
      },
    };
  };
}

/** Scratch files in memory, each up to 1 GiB: see {@link createMemoryScratch}. */
export const memoryScratch: ScratchSpace = () => createMemoryScratch()();
