/** What a cross check of one format with the tool that defines it is. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { equalBytes } from "../../src/bytes/index.ts";

/** One random case. */
export interface CrossCase {
  basis: Uint8Array;
  target: Uint8Array;
  /** Numbers between 0 and 1 that the case's seed decides. */
  random: () => number;
  /** A path for a file of this case; `basis` and `target` are there already. */
  path: (name: string) => string;
}

/** The checks of one format. */
export interface CrossCheck {
  /** The programs that it runs. */
  programs: readonly string[];
  /** Check one case; tells in words what differs. */
  check(crossCase: CrossCase): Promise<string[]>;
}

/** Run a program; what it prints on standard error is in the error when it fails. */
export function runProgram(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Whether a program can be run. */
export function hasProgram(program: string): boolean {
  try {
    execFileSync("sh", ["-c", 'command -v "$0"', program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Bytes of a file. */
export async function readBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
}

/** One difference in words, or none. */
export function compare(what: string, found: Uint8Array, expected: Uint8Array): string[] {
  return equalBytes(found, expected)
    ? []
    : [`${what}: expected ${expected.length} bytes, found ${found.length} others`];
}

/** One of some values. */
export function pick<Value>(random: () => number, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)]!;
}
