/**
 * Making deltas on worker threads: what of `encode` needs Node.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { createCodingThreads } from "../codec/node.ts";
import { startPairThread } from "./start-pair-thread.ts";
import { ThreadPool } from "./thread-pool.ts";
import { type DeltaWorkers, inlineWorkers } from "./workers.ts";

export { startPairThread } from "./start-pair-thread.ts";

/** Worker threads for making deltas: see {@link createWorkerPool}. */
export interface WorkerPool extends DeltaWorkers {
  /** End the threads. Work that is not done yet is rejected, and so is later work that would need a thread. */
  close(): Promise<void>;
}

/** More workers than this are not started unless they are asked for: reading the files sets the pace then. */
const MAX_DEFAULT_WORKERS = 8;

/** How many workers {@link createWorkerPool} has unless it is told: one per processor core, 8 at most. */
export function defaultWorkerCount(): number {
  return Math.min(MAX_DEFAULT_WORKERS, availableParallelism());
}

/**
 * Let worker threads match files and code segments, for the option `workers` of `createDelta`. Deltas are the same bytes,
 * whatever the number of workers.
 *
 * Threads start when they are first needed. They keep the process alive only while they work, so a pool may be left alone;
 * `close` frees their memory at once. One pool may serve several deltas at the same time.
 *
 * ```ts
 * const pool = createWorkerPool();
 * try {
 *   await createDelta(basis, target, sink, { workers: pool });
 * } finally {
 *   await pool.close();
 * }
 * ```
 *
 * @param workers - how many threads match files, from 2 on the calling one among them; 0 leaves everything to that. One per core, 8 at
 * most, unless given. When the files are matched, up to three threads code segments in their place.
 * @param first - a thread that {@link startPairThread} has started already, which takes a tenth of a second. The pool ends it.
 * @throws RangeError when `workers` is not a whole number from 0 to 256.
 */
export function createWorkerPool(workers: number = defaultWorkerCount(), first?: Worker): WorkerPool {
  if (!Number.isInteger(workers) || workers < 0 || workers > 256) {
    throw new RangeError(`workers: expected a whole number from 0 to 256, got ${workers}`);
  }
  if (workers === 0) {
    void first?.terminate();
    return { ...inlineWorkers, close: async () => {} };
  }
  // Beside one thread at least, the calling one does what it would wait for.
  const threads = new ThreadPool(Math.max(1, workers - 1), startPairThread, workers > 1, first);
  const segmentCoding = createCodingThreads();
  return {
    pairMatching: threads,
    rangeHashing: threads,
    sketching: threads,
    segmentCoding,
    wholeHashing: threads,
    close: async () => {
      await Promise.all([threads.close(), segmentCoding.close()]);
    },
  };
}
