import { availableParallelism } from "node:os";
import { getCodecById } from "../codec/index.ts";
import { hashSource } from "../hash/index.ts";
import { askThread } from "../io/ask-thread.ts";
import type { Source } from "../io/index.ts";
import { startThread } from "../io/start-thread.ts";
import type { HashBasis } from "./apply.ts";
import type { BasisTask } from "./basis-worker.ts";

// Starting the thread takes as much of the processor as hashing so much.
const MIN_BASIS_BYTES = 1 << 27;

// Decoders in threads that take more than this need the memory, and keep the processor busy.
const MAX_DECODER_BYTES = 48 * 2 ** 20;

// It hardly allocates: V8 may collect sooner.
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

/**
 * Let a thread hash the basis while the target is made: for the option `hashBasis` of `applyDelta`. Takes half of the
 * time of a small delta, and 8 MB.
 *
 * ```ts
 * const basis = await openFileSource("app-1.flat");
 * const hashBasis = createBasisHasher(basis);
 * await applyDelta(basis, delta, file, { hashBasis });
 * await file.commit();
 * ```
 *
 * @param basis - stays open until the delta is applied.
 * @returns nothing where a thread cannot be used: with one processor core, for what is no file, or a small one.
 */
export function createBasisHasher(basis: Source): HashBasis | undefined {
  const { descriptor } = basis;
  if (descriptor === undefined || basis.size < MIN_BASIS_BYTES || availableParallelism() < 2)
    return undefined;
  return ({ streams }, signal) => {
    const blocking = streams.filter(({ codecId }) => getCodecById(codecId).isBlocking);
    if (blocking.reduce((sum, { decoderMemoryBytes }) => sum + decoderMemoryBytes, 0) > MAX_DECODER_BYTES)
      return undefined;
    const task: BasisTask = { descriptor, sizeBytes: basis.size };
    // Two literal names, so that bundlers can follow them.
    const worker = startThread(
      import.meta.url.endsWith(".ts")
        ? new URL("./basis-worker.ts", import.meta.url)
        : new URL("./basis-worker.js", import.meta.url),
      task,
      HEAP_LIMITS,
    );
    return askThread<Uint8Array>(worker, signal).catch(() => {
      signal?.throwIfAborted();
      // A want of threads is no reason to fail, and what cannot be read comes up again.
      return hashSource(basis, { signal });
    });
  };
}
