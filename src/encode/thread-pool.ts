import type { Worker } from "node:worker_threads";
import { ErrorCode, errorMessageOf, FlatdeltaError } from "../errors.ts";
import {
  joinPieces,
  type MatchColumns,
  PIECE_BYTES,
  SEED_BYTES,
  setSharedPiece,
  sharePair,
} from "../match/index.ts";
import { onAbort } from "./on-abort.ts";
import { inlinePairMatching, type PairMatching } from "./pair-matching.ts";
import type { PairTask } from "./pair-worker.ts";

/** Smaller pairs are matched in the calling thread: sending them away would take longer. */
const MIN_SENT_BYTES = 1 << 16;

/** Several threads share a target from this size on; for smaller ones the index would take too large a part. */
const MIN_SHARED_BYTES = 1 << 24;

/** Each part hashes all of the basis, and stores its share: that is most of the work, but not all. */
const MAX_INDEX_PART_BITS = 2;

interface Job {
  readonly task: PairTask;
  /** What of the task is given away. */
  readonly moved: readonly ArrayBuffer[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (columns: MatchColumns | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

/** The bytes in a buffer that holds nothing else, so that it can be moved to another thread. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

/** A fixed number of threads, each started when there is a pair for it and no other is idle. */
export class ThreadPool implements PairMatching {
  readonly concurrency: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #closed = false;

  readonly #startThread: () => Worker;

  /** @param startThread - starts a thread that answers each {@link PairTask} with what it found. */
  constructor(threads: number, startThread: () => Worker) {
    this.concurrency = threads;
    this.#startThread = startThread;
  }

  async match(target: Uint8Array, basis: Uint8Array, signal?: AbortSignal): Promise<MatchColumns> {
    if (target.length + basis.length < MIN_SENT_BYTES) return inlinePairMatching.match(target, basis, signal);
    if (target.length >= MIN_SHARED_BYTES && basis.length >= SEED_BYTES && this.concurrency > 1) {
      return this.#matchInPieces(target, basis, signal);
    }
    const task = { kind: "pair", target: ownBytes(target), basis: ownBytes(basis) } as const;
    return (await this.#run(task, [task.target.buffer, task.basis.buffer], signal))!;
  }

  /** The threads index the basis, each a part of it, then all match pieces of the target. */
  async #matchInPieces(target: Uint8Array, basis: Uint8Array, signal?: AbortSignal): Promise<MatchColumns> {
    const pieceCount = Math.ceil(target.length / PIECE_BYTES);
    const areaCount = Math.min(this.concurrency, pieceCount);
    const pair = sharePair(basis, areaCount);
    const partBits = Math.min(MAX_INDEX_PART_BITS, Math.floor(Math.log2(this.concurrency)));
    const parts = Array.from({ length: 2 ** partBits }, (_, part) =>
      this.#run({ kind: "index", pair, part, partBits }, [], signal),
    );
    await Promise.all(parts);
    const found: MatchColumns[] = new Array(pieceCount);
    let next = 0;
    const matchSome = async (area: number): Promise<void> => {
      for (let i = next++; i < pieceCount; i = next++) {
        const pieceOffset = i * PIECE_BYTES;
        const piece = target.subarray(pieceOffset, pieceOffset + PIECE_BYTES);
        setSharedPiece(pair, area, piece);
        const task = { kind: "piece", pair, area, pieceBytes: piece.length, pieceOffset } as const;
        found[i] = (await this.#run(task, [], signal))!;
      }
    };
    await Promise.all(Array.from({ length: areaCount }, (_, area) => matchSome(area)));
    return joinPieces(found);
  }

  async #run(
    task: PairTask,
    moved: readonly ArrayBuffer[],
    signal: AbortSignal | undefined,
  ): Promise<MatchColumns | undefined> {
    signal?.throwIfAborted();
    if (this.#closed) throw closedError();
    let forget: (() => void) | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const job: Job = { task, moved, signal, resolve, reject };
        const cancel = (): void => {
          reject(signal?.reason);
          this.#drop(job);
        };
        forget = onAbort(signal, cancel);
        this.#waiting.push(job);
        this.#dispatch();
      });
    } finally {
      forget?.();
    }
  }

  /** End the threads. Pairs that are not matched yet are rejected, and so are later ones that would need a thread. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    this.#threads.clear();
    for (const job of this.#waiting.splice(0)) job.reject(closedError());
    for (const { job } of threads) job?.reject(closedError());
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
      // An aborted job's own listener comes next: no thread need be started for it.
      if (job.signal?.aborted !== true) {
        try {
          const thread = this.#idleThread();
          if (thread === undefined) return;
          this.#send(thread, job);
        } catch (error) {
          job.reject(error);
        }
      }
      this.#waiting.shift();
    }
  }

  #idleThread(): Thread | undefined {
    for (const thread of this.#threads) if (thread.job === undefined) return thread;
    return this.#threads.size < this.concurrency ? this.#start() : undefined;
  }

  #start(): Thread {
    const worker = this.#startThread();
    const thread: Thread = { worker, job: undefined };
    worker.unref();
    worker.on("message", (columns: MatchColumns | undefined) => {
      const { job } = thread;
      thread.job = undefined;
      worker.unref();
      job?.resolve(columns);
      this.#dispatch();
    });
    worker.on("error", (error) => this.#lose(thread, `with an error: ${errorMessageOf(error)}`, error));
    worker.on("messageerror", (error) =>
      this.#lose(thread, `with an error: ${errorMessageOf(error)}`, error),
    );
    worker.on("exit", (code) => this.#lose(thread, `with exit code ${code}`));
    this.#threads.add(thread);
    return thread;
  }

  #send(thread: Thread, job: Job): void {
    thread.worker.postMessage(job.task, job.moved);
    thread.job = job;
    // Only a thread that works keeps the process alive.
    thread.worker.ref();
  }

  /** Forget a thread that ended; the next pair starts another. */
  #lose(thread: Thread, how: string, cause?: unknown): void {
    if (!this.#threads.delete(thread)) return;
    void thread.worker.terminate();
    thread.job?.reject(
      new FlatdeltaError(
        ErrorCode.WORKER_FAILED,
        `expected a worker thread to match two files, it ended ${how}; try again with fewer workers, 0 for none`,
        { cause },
      ),
    );
    this.#dispatch();
  }

  /** Forget a job. A thread cannot be interrupted in its work, so it ends with it. */
  #drop(job: Job): void {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const thread of this.#threads) {
      if (thread.job !== job) continue;
      this.#threads.delete(thread);
      void thread.worker.terminate();
    }
    this.#dispatch();
  }
}

const closedError = (): Error => new Error("expected a worker pool that is open, this one was closed");
