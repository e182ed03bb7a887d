import { concatBytes } from "../bytes/index.ts";
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

/** Scratch files in memory: for small images, tests, and runtimes with no file system. */
export const memoryScratch: ScratchSpace = async () => {
  let parts: Uint8Array[] = [];
  return {
    write: async (bytes) => {
      parts.push(bytes.slice());
    },
    finish: async () => {
      const bytes = concatBytes(parts);
      parts = [bytes];
      return memorySource(bytes);
    },
    release: async () => {
      parts = [];
    },
  };
};
