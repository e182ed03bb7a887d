/**
 * The frame around every command: arguments in, output and exit code out. It touches the process only through
 * {@link CliEnvironment}, so that tests can run it in theirs.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { errorCodeOf, errorMessageOf, isFlatdeltaError } from "../errors.ts";
import { parseCommandArguments } from "./arguments.ts";
import type { CommandResult, Json } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { ExitCode, exitCodeOf, UsageError } from "./exit-code.ts";

/** The process, as far as a command sees it. */
export interface CliEnvironment {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  /** Aborted with an `InterruptedError` when the process is told to stop. */
  readonly signal: AbortSignal;
  /** Show where errors came from. */
  readonly debug: boolean;
  /** Seconds since the process started, and the most memory it has held so far. */
  measure(): { seconds: number; peakMemoryBytes: number };
}

/** Run one command line. Never rejects: every error becomes a message and an exit code. */
export async function runCli(argv: readonly string[], environment: CliEnvironment): Promise<number> {
  try {
    await dispatch(argv, environment);
    return ExitCode.OK;
  } catch (thrown) {
    // Whatever an interruption breaks on its way is its consequence and no news.
    const error: unknown = environment.signal.aborted ? environment.signal.reason : thrown;
    reportError(error, wantsJson(argv), environment);
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[], environment: CliEnvironment): Promise<void> {
  const { stdout } = environment;
  const [name, ...rest] = argv;
  if (name === "--version" || name === "-V") {
    stdout.write(`${readVersion()}\n`);
    return;
  }
  if (name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    stdout.write((await import("./help.ts")).generalHelp());
    return;
  }
  if (name === "help") return dispatch([rest[0]!, "--help"], environment);
  if (name === undefined) throw new UsageError('expected a command; see "flatdelta --help"');
  const entry = COMMANDS.get(name);
  if (entry === undefined) {
    throw new UsageError(
      `expected one of ${[...COMMANDS.keys()].join(", ")}, got ${name}; see "flatdelta --help"`,
    );
  }
  const command = await entry.load(rest);
  const { operands, values } = parseCommandArguments(name, command, rest);
  if (values.help === true) {
    stdout.write((await import("./help.ts")).commandHelp(name, command));
    return;
  }
  const { stderr, stdin, signal } = environment;
  const watched = stderr.isTTY === true && values.quiet !== true;
  const bar = watched ? (await import("./progress-bar.ts")).createProgressBar(stderr) : undefined;
  let result: CommandResult;
  try {
    signal.throwIfAborted();
    const log = (line: string): void => {
      bar?.clear();
      if (values.quiet !== true) stderr.write(`${line}\n`);
    };
    result = await command.run(operands, { values, signal, stdin, log, onProgress: bar?.onProgress });
  } finally {
    bar?.clear();
  }
  const { report, warnings = [] } = result;
  if (values.quiet !== true) for (const warning of warnings) stderr.write(`flatdelta: warning: ${warning}\n`);
  if (values.json === true) {
    const told = warnings.length === 0 ? report : { ...report, warnings };
    stdout.write(`${JSON.stringify({ ...told, ...environment.measure() })}\n`);
  } else if (values.quiet !== true) {
    stdout.write(formatLines(result.lines));
  }
}

function formatLines(lines: CommandResult["lines"]): string {
  const width = Math.max(0, ...lines.map(([label]) => label.length));
  return lines.map(([label, text]) => `${label.padEnd(width)}  ${text}\n`).join("");
}

/** Whether `--json` is asked for, even where the command line cannot be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}

function reportError(error: unknown, json: boolean, { stdout, stderr, debug }: CliEnvironment): void {
  const code = errorCodeOf(error);
  // Node's own messages begin with the code, which is shown behind the message here.
  const message = errorMessageOf(error).replace(new RegExp(`^${code}: `, "u"), "");
  stderr.write(`flatdelta: ${message} (${code})\n`);
  if (debug && error instanceof Error) stderr.write(`${formatStack(error)}\n`);
  if (!json) return;
  const found: Record<string, Json> = { code, message };
  const path = isFlatdeltaError(error) ? error.path : (error as { path?: unknown } | null)?.path;
  if (typeof path === "string") found.path = path;
  if (isFlatdeltaError(error) && error.offset !== undefined) found.offset = error.offset;
  stdout.write(`${JSON.stringify({ error: found })}\n`);
}

function formatStack(error: Error): string {
  const stack = error.stack ?? String(error);
  return error.cause instanceof Error ? `${stack}\nCaused by: ${formatStack(error.cause)}` : stack;
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
