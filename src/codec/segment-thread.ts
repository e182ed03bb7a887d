import type { Worker } from "node:worker_threads";
import { ErrorCode, FlatdeltaError, FormatError } from "../errors.ts";
import { startThread } from "../io/start-thread.ts";
import type { CoderRole, SegmentAnswer, SegmentResult, SegmentTask, ThreadOrder } from "./segment-worker.ts";

// A coder's memory is outside the heap, and what is inside, 6 MB, hardly changes. V8 collects sooner within limits: that saves
// 1.5 MB a thread.
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

interface Request {
  resolve(result: SegmentResult): void;
  reject(error: unknown): void;
}

function toError(answer: { code: ErrorCode | undefined; message: string }): Error {
  const { code, message } = answer;
  if (code === ErrorCode.CORRUPT_BODY) return new FormatError(code, message);
  return code === undefined ? new Error(message) : new FlatdeltaError(code, message);
}

/** An encoder or decoder on a thread. */
export interface ThreadCoder {
  /** What of `task` is neither moved nor in shared memory is copied: it may be reused at once. */
  run(task: SegmentTask, moved?: readonly ArrayBuffer[]): Promise<SegmentResult>;
  /** The thread ends when all its coders are closed. */
  close(): void;
}

/** A thread with encoders or decoders. Segments are worked on in the order in which they are given, whichever coder they are for. */
export class SegmentThread {
  readonly #worker: Worker;
  #coderCount = 0;
  readonly #openCoders = new Set<number>();
  readonly #requests: Request[] = [];
  #end: Error | undefined;

  /** @param onStart - called when the thread runs. */
  constructor(onStart: () => void = () => {}) {
    this.#worker = startThread(
      import.meta.url.endsWith(".ts")
        ? new URL("./segment-worker.ts", import.meta.url)
        : new URL("./segment-worker.js", import.meta.url),
      HEAP_LIMITS,
    );
    this.#worker.once("online", onStart);
    // Only a thread that works keeps the process alive.
    this.#worker.unref();
    this.#worker.on("message", (answer: SegmentAnswer) => {
      const request = this.#requests.shift();
      if (this.#requests.length === 0) this.#worker.unref();
      if ("result" in answer) request?.resolve(answer.result);
      else request?.reject(toError(answer));
    });
    this.#worker.on("error", (error) => this.#fail(`with an error: ${String(error)}`, error));
    this.#worker.on("exit", (code) => this.#fail(`with exit code ${code}`));
  }

  #fail(how: string, cause?: unknown): void {
    this.#end ??= new FlatdeltaError(
      ErrorCode.WORKER_FAILED,
      `expected a worker thread to code a segment, it ended ${how}; try again without threads`,
      { cause },
    );
    for (const request of this.#requests.splice(0)) request.reject(this.#end);
  }

  /** Give the thread one coder more. */
  openCoder(role: CoderRole): ThreadCoder {
    const coder = this.#coderCount++;
    this.#openCoders.add(coder);
    this.#tell({ open: role });
    return {
      run: (task, moved) => this.#run({ coder, task }, moved),
      close: () => {
        this.#openCoders.delete(coder);
        if (this.#openCoders.size === 0) void this.close();
      },
    };
  }

  /** Whether it has ended, or was told to. */
  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  #tell(order: ThreadOrder, moved: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(order, moved);
  }

  #run(order: ThreadOrder, moved?: readonly ArrayBuffer[]): Promise<SegmentResult> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#requests.push({ resolve, reject });
      this.#worker.ref();
      this.#tell(order, moved);
    });
  }

  /** End the thread; what it has not done is rejected. */
  async close(): Promise<void> {
    this.#end ??= new Error("expected an open coder, this one was closed");
    for (const request of this.#requests.splice(0)) request.reject(this.#end);
    await this.#worker.terminate();
  }
}
