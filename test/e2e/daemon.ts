/**
 * Programs that run in the background of a check: started, listened to, ended with it.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { CLI } from "./tools.ts";

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

/** Wait until something is so. */
export async function waitUntil(
  isSo: () => boolean,
  what: string,
  timeoutMs = START_TIMEOUT_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(POLL_MS);
  }
}

/** A program in the background, and what it has said on standard error so far. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #name: string;
  said = "";

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#name = program;
    this.#child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.said += text;
    });
    this.#child.on("error", (error) => {
      this.said += String(error);
    });
  }

  /** Our own CLI in the background. */
  static flatdelta(args: readonly string[], env?: Readonly<Record<string, string>>): Daemon {
    return new Daemon(process.execPath, [CLI, ...args], env);
  }

  /** Wait until it has said something. @returns what the parentheses found. */
  async expect(pattern: RegExp): Promise<string> {
    const isThere = (): boolean => pattern.test(this.said) || this.#hasEnded;
    await waitUntil(isThere, `${this.#name} says ${pattern}; it said: ${this.said.slice(-2000)}`);
    const found = pattern.exec(this.said);
    if (found === null)
      throw new Error(`expected ${this.#name} to say ${pattern}, it ended and said: ${this.said}`);
    return found[1] ?? found[0];
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** End it, by force if it does not end by itself. @returns the signal that ended it, else its exit code. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<string | number | null> {
    if (!this.#hasEnded) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill(signal);
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    }
    return this.#child.signalCode ?? this.#child.exitCode;
  }
}
