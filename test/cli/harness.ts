/** The command line in the test's own process, and as a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { fileURLToPath } from "node:url";
import { type CliEnvironment, runCli } from "../../src/cli/run.ts";

/** What a command line did. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function* noInput(): AsyncGenerator<Uint8Array> {}

/** Run a command line in this process. */
export async function run(
  argv: readonly string[],
  environment: Partial<CliEnvironment> = {},
): Promise<Outcome> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const code = await runCli(argv, {
    stdin: noInput(),
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    signal: new AbortController().signal,
    debug: false,
    measure: () => ({ seconds: 1.5, peakMemoryBytes: 4096 }),
    ...environment,
  });
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Start the command line as a process; its standard input stays open. */
export function start(
  argv: readonly string[],
  env: Record<string, string> = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ["--import", import.meta.resolve("tsx"), MAIN, ...argv], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
}

/** Wait for a process that {@link start} made. A process that a signal killed has code −1. */
export function finish(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const out = { stdout: "", stderr: "" };
  child.stdout.on("data", (piece) => {
    out.stdout += String(piece);
  });
  child.stderr.on("data", (piece) => {
    out.stderr += String(piece);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, ...out }));
  });
}

/** A folder that each test of the calling file gets anew. */
export function useFolder(): (...parts: string[]) => string {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  return (...parts) => {
    // Else it would be the folder that the tests are run in.
    if (folder === "") throw new Error("expected to be asked in a test, whose folder it is");
    return join(folder, ...parts);
  };
}
