import { checkHistory, Holder, PIECE_BYTES } from "./holder.ts";
import { instantiateLz } from "./load.ts";
import { type LzSettings, resolveSettings } from "./settings.ts";
import { EncoderWindow } from "./window.ts";

/** The matches at each place of a segment, in chunks: about 16 bytes of records for each byte. */
export type FoundMatches = readonly {
  readonly records: Uint8Array;
  /** How many bytes were taken in up to the place behind the last that the chunk has a record of, modulo 2^32. */
  readonly to: number;
}[];

/**
 * The part of an encoder that finds matches, which is half of the work and depends on nothing but the bytes: on a thread of
 * its own it is a segment ahead of the other part.
 */
export interface LzFinder {
  /** As for the encoder, with the same bytes. */
  prime(history: Uint8Array): void;
  /** Find the matches of the next segment. */
  find(raw: Uint8Array): FoundMatches;
  /** Release the memory. */
  close(): void;
}

/** Make a finder. It takes 9 times the window and 10 MB. */
export async function createLzFinder(settings: LzSettings): Promise<LzFinder> {
  const { hashBits, depth, nice } = resolveSettings(settings);
  const { windowBits } = settings;
  const instance = await instantiateLz();
  const holder = new Holder(instance);
  const { kernels, found } = instance;
  const window = new EncoderWindow(
    kernels,
    kernels.prepareFinder(windowBits, hashBits, depth, nice),
    windowBits,
  );
  let begun = false;
  return {
    prime(history) {
      holder.get();
      checkHistory(history, begun);
      begun = true;
      window.take(history);
      kernels.startFinding(window.position);
    },
    find(raw) {
      holder.get();
      begun = true;
      const chunks: { records: Uint8Array; to: number }[] = [];
      for (let from = 0; from < raw.length; from += PIECE_BYTES) {
        window.take(raw.subarray(from, from + PIECE_BYTES));
        let to: number;
        do {
          const bytes = kernels.findChunk(window.position);
          to = kernels.getFoundPlace() >>> 0;
          chunks.push({ records: new Uint8Array(kernels.memory.buffer, found, bytes).slice(), to });
        } while (to !== window.position);
      }
      return chunks;
    },
    close: () => holder.close(),
  };
}
