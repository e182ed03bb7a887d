/** Watches from a thread of its own, since the thread that hangs cannot. */
import { Worker } from "node:worker_threads";

/** Input that the watchdog can still see when the thread that runs it hangs. */
const MAX_INPUT_BYTES = 1 << 22;

// Plain JavaScript, so that no loader has to be set up in the thread.
const PROGRAM = `
const { workerData: { shared, head, hangSeconds, maxResidentBytes, path } } = require("node:worker_threads");
const { mkdirSync, writeFileSync } = require("node:fs");
const { dirname } = require("node:path");
const numbers = new Int32Array(head);
const input = new Uint8Array(shared);
let seen = -1;
let cpuAtStart = 0;
const cpuSeconds = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
function end(reason) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, input.slice(0, numbers[1]));
  writeFileSync(path + ".txt", reason + "\\n");
  process.kill(process.pid, "SIGKILL");
}
setInterval(() => {
  const run = Atomics.load(numbers, 0);
  if (run !== seen) { seen = run; cpuAtStart = cpuSeconds(); }
  else if (run % 2 === 1 && cpuSeconds() - cpuAtStart > hangSeconds) end("no end within " + hangSeconds + " s of processor time");
  const resident = process.memoryUsage.rss();
  if (resident > maxResidentBytes) end("resident memory of " + resident + " bytes");
}, 100);
`;

/** Options of {@link Watchdog}. */
export interface WatchdogOptions {
  /** Processor time that one run may take. */
  hangSeconds: number;
  maxResidentBytes: number;
  /** Where the input goes that was being run when the process is ended. */
  path: string;
}

/** Ends the process when a run does not end or memory grows too large, and keeps its input. */
export class Watchdog {
  readonly #head = new SharedArrayBuffer(8);
  readonly #numbers = new Int32Array(this.#head);
  readonly #shared = new SharedArrayBuffer(MAX_INPUT_BYTES);
  readonly #input = new Uint8Array(this.#shared);
  readonly #worker: Worker;

  constructor(options: WatchdogOptions) {
    const workerData = { ...options, head: this.#head, shared: this.#shared };
    this.#worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: [] });
    this.#worker.unref();
  }

  begin(input: Uint8Array): void {
    this.#input.set(input.subarray(0, MAX_INPUT_BYTES));
    this.#numbers[1] = Math.min(input.length, MAX_INPUT_BYTES);
    Atomics.add(this.#numbers, 0, 1);
  }

  end(): void {
    Atomics.add(this.#numbers, 0, 1);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
