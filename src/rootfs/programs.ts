import { spawn } from "node:child_process";
import { ErrorCode, UnsupportedError } from "../errors.ts";

const MAX_ERROR_BYTES = 4096;

/** How a program ended. */
export interface ProgramResult {
  exitCode: number | null;
  /** The start of what it complained. */
  complaints: string;
}

/**
 * Run a program for what Node has no call for.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` when it is not installed.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd: string; input?: string },
): Promise<ProgramResult> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  let complaints = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    if (complaints.length < MAX_ERROR_BYTES) complaints += text;
  });
  // A program that ends before it has read its input says why by its exit code.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "", "latin1");
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === "ENOENT";
      reject(
        missing
          ? new UnsupportedError(
              ErrorCode.UNSUPPORTED_FEATURE,
              `expected the program ${program} to be installed`,
              { cause },
            )
          : cause,
      );
    });
    child.once("close", resolve);
  });
  return { exitCode, complaints: complaints.trim() };
}
