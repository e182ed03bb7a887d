import type { Sink } from "../io/index.ts";

/** Bytes that one task writes and another reads, piece by piece and without copies. */
export interface Channel {
  /** A write is settled when its piece has been worked on; behind the end of what is read, at once. */
  readonly sink: Sink;
  /** For one reader. A piece is valid until the next is asked for. */
  readonly pieces: AsyncGenerator<Uint8Array, void, undefined>;
  /** No more comes; with an error, the reader gets it. */
  end(error?: unknown): void;
  /** The reader failed with this: later writes reject with it. */
  fail(error: unknown): void;
}

interface Offer {
  bytes: Uint8Array;
  resolve(): void;
}

/** Make a channel between a task that writes and one that reads. */
export function createChannel(): Channel {
  let offer: Offer | undefined;
  let wakeReader: (() => void) | undefined;
  let ended: { error: unknown } | undefined;
  let failed: { error: unknown } | undefined;
  let isReading = true;
  const wake = (): void => {
    wakeReader?.();
    wakeReader = undefined;
  };
  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        if (offer !== undefined) {
          const { bytes, resolve } = offer;
          yield bytes;
          offer = undefined;
          resolve();
        } else if (ended !== undefined) {
          if (ended.error !== undefined) throw ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
        }
      }
    } finally {
      // Whoever reads no more has failed, or has all it wants; the writer need not know which.
      isReading = false;
      offer?.resolve();
      offer = undefined;
    }
  }
  return {
    pieces: read(),
    sink: {
      write: (bytes) =>
        new Promise((resolve, reject) => {
          if (failed !== undefined) return reject(failed.error);
          if (!isReading || ended !== undefined) return resolve();
          offer = { bytes, resolve };
          wake();
        }),
    },
    end: (error) => {
      ended ??= { error };
      wake();
    },
    fail: (error) => {
      failed ??= { error };
    },
  };
}
