/** The second reader of the formats, in Python: `decoder/`. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const DECODER = fileURLToPath(new URL("decoder", import.meta.url));

/** A Python that has what the decoder needs beside its standard library; undefined if there is none. */
function findPython(): string | undefined {
  return ["python3", "/usr/bin/python3"].find(
    (python) => spawnSync(python, ["-c", "import brotli, zstandard"]).status === 0,
  );
}

/** What it answers: what the file says about itself, or why it refuses it. */
export interface Answer {
  refused?: string;
  [field: string]: unknown;
}

/** One process that answers one request after another. */
export class SecondReader {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(python: string) {
    this.#process = spawn(python, [DECODER, "batch"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  /**
   * Start it.
   *
   * @returns why it cannot be started, where that is no error: on a machine of somebody's own, but not in CI.
   */
  static start(): SecondReader | string {
    const python = findPython();
    if (python !== undefined) return new SecondReader(python);
    if (process.env.CI)
      throw new Error("expected python3 with python3-brotli and python3-zstandard, found none");
    return "needs python3, python3-brotli and python3-zstandard";
  }

  async #ask(request: readonly string[]): Promise<Answer> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the second reader ended at ${request.join(" ")}`);
    return JSON.parse(value);
  }

  apply(basisPath: string, deltaPath: string, targetPath: string): Promise<Answer> {
    return this.#ask(["apply", basisPath, deltaPath, targetPath]);
  }

  readSignature(path: string): Promise<Answer> {
    return this.#ask(["signature", path]);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("close", resolve));
    this.#process.stdin!.end();
    await ended;
  }
}
