/**
 * Matching pairs of files on worker threads: what of `encode` needs Node.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { inlinePairMatching } from "./pair-matching.ts";
import { startThread } from "./start-thread.ts";
import { ThreadPool, type WorkerPool } from "./thread-pool.ts";

export type { WorkerPool };

/** More workers than this are not started unless they are asked for: reading the files sets the pace then. */
const MAX_DEFAULT_WORKERS = 8;

/** How many workers {@link createWorkerPool} has unless it is told: one per processor core, 8 at most. */
export function defaultWorkerCount(): number {
  return Math.min(MAX_DEFAULT_WORKERS, availableParallelism());
}

/**
 * Make pairs of files be matched on worker threads, for the option `pairMatching` of `createDelta`. Deltas are the
 * same bytes, whatever the number of workers.
 *
 * Threads start when they are first needed. They keep the process alive only while they work, so a pool may be left alone;
 * `close` frees their memory at once. One pool may serve several deltas at the same time.
 *
 * ```ts
 * const pool = createWorkerPool();
 * try {
 *   await createDelta(basis, target, sink, { pairMatching: pool });
 * } finally {
 *   await pool.close();
 * }
 * ```
 *
 * @param workers - 0 matches everything in the calling thread; one per core, 8 at most, unless given.
 * @throws RangeError when `workers` is not a whole number from 0 to 256.
 */
export function createWorkerPool(workers: number = defaultWorkerCount()): WorkerPool {
  if (!Number.isInteger(workers) || workers < 0 || workers > 256) {
    throw new RangeError(`workers: expected a whole number from 0 to 256, got ${workers}`);
  }
  return workers === 0
    ? { ...inlinePairMatching, close: async () => {} }
    : new ThreadPool(workers, startThread);
}
