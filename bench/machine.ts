import { accessSync, constants, existsSync } from "node:fs";
import { cpus, totalmem, version } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "./measure.ts";

/** What the numbers of a run depend on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  system: string;
  node: string;
}

/** Describe this machine. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${process.arch}, ${version()}`,
    node: process.version,
  };
}

/** Full path of a program on PATH; `undefined` when there is none. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder may have it.
    }
  }
  return undefined;
}

const CLI = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** The command line of the built CLI. */
export function flatdeltaCommand(...args: string[]): Command {
  return [process.execPath, CLI, ...args];
}

/**
 * Make sure that there is a built CLI.
 *
 * @throws Error that says how to build it.
 */
export function checkBuilt(): void {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run "npm run build" first`);
}
