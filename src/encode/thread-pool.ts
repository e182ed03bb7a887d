import type { Worker } from "node:worker_threads";
import { ErrorCode, errorMessageOf, FlatdeltaError } from "../errors.ts";
import type { Source, SourceRange } from "../io/index.ts";
import {
  basisOfShared,
  createSharedPair,
  type MatchColumns,
  MatchList,
  PIECE_BYTES,
  pieceOfShared,
  SEED_BYTES,
} from "../match/index.ts";
import { addJoinedColumns, type BasisRange } from "./joined-basis.ts";
import { onAbort } from "./on-abort.ts";
import {
  bytesOfPair,
  inlinePairMatching,
  joinedBytes,
  type Pair,
  type PairMatching,
  type PairSources,
  readJoined,
} from "./pair-matching.ts";
import { type PairAnswer, type PairTask, performTask, type SentFile, type SentSource } from "./pair-tasks.ts";
import { inlineRangeHashing, type RangeHashing } from "./range-hashing.ts";
import { inlineSketching, type Sketching, sketchedBytes } from "./sketch.ts";
import type { WholeHashing, WholePass, WholePassOptions } from "./whole-hashing.ts";

/** Smaller pairs are matched in the calling thread: sending them away would take longer. */
const MIN_SENT_BYTES = 1 << 16;
/** For fewer no thread is started. */
const MIN_SENT_BYTES_TO_START = 1 << 20;

/** Smaller ranges are hashed in the calling thread, likewise; a thread is started only for what takes as long as starting it. */
const MIN_HASHED_BYTES = 1 << 16;
const MIN_HASHED_BYTES_TO_START = 1 << 25;

/** Files of about so many bytes are sketched by one task. */
const SKETCHED_BYTES = 1 << 21;

/** Several threads share a target from this size on; for smaller ones the index would take too large a part. */
const MIN_SHARED_BYTES = 1 << 24;

/** Each part hashes all of the basis, and stores its share: that is most of the work, but not all. */
const MAX_INDEX_PART_BITS = 2;

interface Job {
  readonly task: PairTask;
  /** How many bytes are to be matched; 0 of other tasks. */
  readonly pairBytes: number;
  /** What of the task is given away. */
  readonly moved: readonly ArrayBuffer[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (columns: PairAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * So many jobs a thread has in hand where the calling thread works as well: while that is at one of its own, it sends nothing. Only
 * what can be sent to another thread too goes ahead.
 */
const MAX_THREAD_JOBS = 2;

interface Thread {
  readonly worker: Worker;
  /** The first is worked on. */
  readonly jobs: Job[];
}

/**
 * Larger pairs are left to threads: each thread that has matched such a pair has touched three times its size of memory, and a page that
 * is touched first takes as long as matching what is in it.
 */
const MAX_OWN_PAIR_BYTES = 1 << 23;

/** Whether the calling thread does this where it would wait. Hashes are made for it while it goes on. */
function isOwnJob({ task }: Job): boolean {
  if (task.kind === "pairs") return task.pairs.every((pair) => bytesOfPair(pair) <= MAX_OWN_PAIR_BYTES);
  return task.kind !== "hash" && task.kind !== "whole";
}

/** Where the first job is that goes before all others; −1 where there is none. */
function findFirst(jobs: readonly Job[], goesBefore: (a: Job, b: Job) => boolean): number {
  let first = -1;
  jobs.forEach((job, at) => {
    if (first < 0 || goesBefore(job, jobs[first]!)) first = at;
  });
  return first;
}

// Pairs come last: whoever asks for something else waits for it. Of pairs threads take the largest, so that none is left for the end and
// for one alone, the calling thread the smallest, for which it touches least memory.
const isForThread = (a: Job, b: Job): boolean =>
  b.pairBytes > 0 && (a.pairBytes === 0 || a.pairBytes > b.pairBytes);
const isForCaller = (a: Job, b: Job): boolean => isOwnJob(a) && (!isOwnJob(b) || a.pairBytes < b.pairBytes);

/** A source that threads can read: a file. */
function sendFile({ descriptor, size }: Source): SentFile | undefined {
  return descriptor === undefined ? undefined : { descriptor, sizeBytes: size };
}

/** How a thread gets at ranges of a source. It reads a file itself, straight to where it works on the bytes. */
async function sendSource(source: Source, ranges: readonly BasisRange[]): Promise<SentSource> {
  const file = sendFile(source);
  if (file !== undefined) return file;
  const bytes = new Uint8Array(joinedBytes(ranges));
  await readJoined(source, ranges, bytes);
  return { ranges, bytes };
}

/** Ranges as several tasks. */
function cutRanges(ranges: readonly SourceRange[]): SourceRange[][] {
  const parts: SourceRange[][] = [];
  let room = 0;
  for (const range of ranges) {
    if (room <= 0) {
      parts.push([]);
      room = SKETCHED_BYTES;
    }
    parts.at(-1)!.push(range);
    room -= sketchedBytes(range.length);
  }
  return parts;
}

/** What of a source that is sent can be given away. */
const movedOf = (sent: SentSource): ArrayBuffer[] => ("bytes" in sent ? [sent.bytes.buffer] : []);

/**
 * A fixed number of threads, each started when there is a pair for it and no other is idle. The calling thread can be one of those that
 * work: starting another takes as long as matching 30 MB of files.
 */
export class ThreadPool implements PairMatching, RangeHashing, Sketching, WholeHashing {
  readonly concurrency: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #closed = false;
  /** Whether a thread reads a whole source. Whoever has another reads that one meanwhile: a second thread takes time to start. */
  #isHashing = false;

  readonly #startThread: () => Worker;
  readonly #maxThreads: number;
  /** Whether the calling thread works as well. */
  readonly #helps: boolean;
  #isHelping = false;

  /**
   * @param startThread - starts a thread that answers each {@link PairTask} with what it found.
   * @param helps - whether the calling thread does what is left for it, in a turn of the event loop of its own.
   * @param first - a thread that was started already.
   */
  constructor(threads: number, startThread: () => Worker, helps = false, first?: Worker) {
    this.concurrency = threads + Number(helps);
    this.#maxThreads = threads;
    this.#startThread = startThread;
    this.#helps = helps;
    if (first !== undefined) this.#add(first);
  }

  async match(sources: PairSources, pairs: readonly Pair[], signal?: AbortSignal): Promise<MatchColumns> {
    signal?.throwIfAborted();
    const least = this.#threads.size > 0 ? MIN_SENT_BYTES : MIN_SENT_BYTES_TO_START;
    const pairBytes = pairs.reduce((sum, pair) => sum + bytesOfPair(pair), 0);
    if (pairBytes < least) return inlinePairMatching.match(sources, pairs, signal);
    const [first] = pairs;
    const isShared =
      pairs.length === 1 &&
      this.concurrency > 1 &&
      first!.target.bytes >= MIN_SHARED_BYTES &&
      joinedBytes(first!.basis) >= SEED_BYTES;
    if (isShared) return this.#matchInPieces(sources, first!, signal);
    const target = await sendSource(
      sources.target,
      pairs.map((pair) => pair.target),
    );
    const basis = await sendSource(
      sources.basis,
      pairs.flatMap((pair) => pair.basis),
    );
    const task: PairTask = { kind: "pairs", target, basis, pairs };
    return this.#run<MatchColumns>(task, [...movedOf(target), ...movedOf(basis)], signal, pairBytes);
  }

  /** The threads index the basis, each a part of it, then all match pieces of the target. */
  async #matchInPieces(
    sources: PairSources,
    { target, basis, skims }: Pair,
    signal: AbortSignal | undefined,
  ): Promise<MatchColumns> {
    const pieceCount = Math.ceil(target.bytes / PIECE_BYTES);
    // One more than there is work at, so that a piece is ready for whoever is done first.
    const areaCount = Math.min(this.concurrency + Number(this.#helps), pieceCount);
    const pair = createSharedPair(joinedBytes(basis), areaCount, skims);
    await readJoined(sources.basis, basis, basisOfShared(pair));
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
        const pieceBytes = Math.min(PIECE_BYTES, target.bytes - pieceOffset);
        await sources.target.read(target.offset + pieceOffset, pieceOfShared(pair, area, pieceBytes));
        const task = { kind: "piece", pair, area, pieceBytes, pieceOffset } as const;
        found[i] = await this.#run<MatchColumns>(task, [], signal);
      }
    };
    await Promise.all(Array.from({ length: areaCount }, (_, area) => matchSome(area)));
    const matches = new MatchList();
    found.forEach((columns, i) => {
      addJoinedColumns(matches, target.offset + i * PIECE_BYTES, basis, columns);
    });
    return matches.toColumns();
  }

  async hash64(source: Source, range: SourceRange, signal?: AbortSignal): Promise<bigint> {
    const file = sendFile(source);
    const least = this.#threads.size > 0 ? MIN_HASHED_BYTES : MIN_HASHED_BYTES_TO_START;
    return file === undefined || range.length < least
      ? inlineRangeHashing.hash64(source, range, signal)
      : this.#run<bigint>({ kind: "hash", file, range }, [], signal);
  }

  hashWhole(source: Source, options: WholePassOptions, signal?: AbortSignal): Promise<WholePass> | undefined {
    const file = sendFile(source);
    if (file === undefined || file.sizeBytes < MIN_HASHED_BYTES_TO_START || this.#isHashing) return undefined;
    this.#isHashing = true;
    return this.#run<WholePass>({ kind: "whole", file, options }, [], signal).finally(() => {
      this.#isHashing = false;
    });
  }

  async sketch(source: Source, ranges: readonly SourceRange[], signal?: AbortSignal): Promise<Uint32Array[]> {
    const file = sendFile(source);
    const parts = cutRanges(ranges);
    if (file === undefined || parts.length <= 1) return inlineSketching.sketch(source, ranges, signal);
    const sketches = await Promise.all(
      parts.map((part) => this.#run<Uint32Array[]>({ kind: "sketch", file, ranges: part }, [], signal)),
    );
    return sketches.flat();
  }

  async #run<Answer extends PairAnswer>(
    task: PairTask,
    moved: readonly ArrayBuffer[],
    signal: AbortSignal | undefined,
    pairBytes = 0,
  ): Promise<Answer> {
    signal?.throwIfAborted();
    if (this.#closed) throw closedError();
    let forget: (() => void) | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const job: Job = { task, pairBytes, moved, signal, resolve: resolve as Job["resolve"], reject };
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
    for (const job of threads.flatMap(({ jobs }) => jobs)) job.reject(closedError());
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    for (let at = this.#nextForThread(); at >= 0; at = this.#nextForThread()) {
      const job = this.#waiting[at]!;
      // An aborted job's own listener comes next: no thread need be started for it.
      if (job.signal?.aborted !== true) {
        try {
          const thread = this.#idleThread();
          if (thread === undefined) {
            if (this.#helps) this.#helpSoon();
            return;
          }
          this.#send(thread, job);
        } catch (error) {
          job.reject(error);
        }
      }
      this.#waiting.splice(at, 1);
    }
  }

  #nextForThread(): number {
    return findFirst(this.#waiting, isForThread);
  }

  #helpSoon(): void {
    // What the present turn adds may take long to find: no thread is to wait for its end.
    this.#sendAhead();
    if (this.#isHelping) return;
    this.#isHelping = true;
    // When the present turn has said all that there is to do, and answers of threads have been seen.
    setImmediate(() => void this.#help());
  }

  /** Send the threads what they need while this one is at work, but leave something for it. */
  #sendAhead(): void {
    for (const thread of this.#threads) {
      const at = this.#nextForThread();
      if (
        this.#waiting.length > 1 &&
        this.#waiting[at]!.moved.length === 0 &&
        thread.jobs.length < MAX_THREAD_JOBS
      )
        this.#send(thread, this.#waiting.splice(at, 1)[0]!);
    }
  }

  /** Do what waits in the calling thread, after sending the others what they need until then. */
  async #help(): Promise<void> {
    this.#sendAhead();
    const at = findFirst(this.#waiting, isForCaller);
    const isOwn = at >= 0 && isOwnJob(this.#waiting[at]!);
    if (isOwn) {
      const [job] = this.#waiting.splice(at, 1);
      await performTask(job!.task).then(job!.resolve, job!.reject);
    }
    this.#isHelping = false;
    if (isOwn) this.#dispatch();
  }

  #idleThread(): Thread | undefined {
    for (const thread of this.#threads) if (thread.jobs.length === 0) return thread;
    return this.#threads.size < this.#maxThreads ? this.#add(this.#startThread()) : undefined;
  }

  #add(worker: Worker): Thread {
    const thread: Thread = { worker, jobs: [] };
    worker.unref();
    worker.on("message", (answer: PairAnswer) => {
      const job = thread.jobs.shift();
      if (thread.jobs.length === 0) worker.unref();
      job?.resolve(answer);
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
    thread.jobs.push(job);
    // Only a thread that works keeps the process alive.
    thread.worker.ref();
  }

  /** Forget a thread that ended; the next pair starts another. */
  #lose(thread: Thread, how: string, cause?: unknown): void {
    const [job] = thread.jobs;
    if (!this.#end(thread)) return;
    job?.reject(
      new FlatdeltaError(
        ErrorCode.WORKER_FAILED,
        `expected a worker thread to match two files, it ended ${how}; try again with fewer workers, 0 for none`,
        { cause },
      ),
    );
    this.#dispatch();
  }

  /** End a thread, and give back what it has not begun. Returns whether it was not ended before. */
  #end(thread: Thread): boolean {
    if (!this.#threads.delete(thread)) return false;
    void thread.worker.terminate();
    this.#waiting.unshift(...thread.jobs.slice(1));
    return true;
  }

  /** Forget a job. A thread cannot be interrupted in its work, so it ends with it. */
  #drop(job: Job): void {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const thread of this.#threads) if (thread.jobs[0] === job) this.#end(thread);
    this.#dispatch();
  }
}

const closedError = (): Error => new Error("expected a worker pool that is open, this one was closed");
