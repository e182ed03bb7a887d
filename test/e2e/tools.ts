/**
 * Running other people's programs, and our CLI, as whole processes.
 *
 * @module
 */
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The built command line. */
export const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const MAX_OUTPUT_BYTES = 2 ** 28;

/** Folder of the small image pair. */
export const PAIR = fileURLToPath(new URL("../../fixtures/pair/", import.meta.url));

/** The programs that `npm run e2e` needs, each with the Debian package that has it. */
export const NEEDED_PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ["chromium", "chromium"],
  ["docker", "docker.io"],
  ["docker-registry", "docker-registry"],
  ["dockerd", "docker.io"],
  ["getfattr", "attr"],
  ["losetup", "mount"],
  ["mkfifo", "coreutils"],
  ["mknod", "coreutils"],
  ["openssl", "openssl"],
  ["setcap", "libcap2-bin"],
  ["setfattr", "attr"],
  ["skopeo", "skopeo"],
  ["tar", "tar"],
  ["touch", "coreutils"],
  ["umoci", "umoci"],
];

/** What keeps a suite from running here, in words; empty when all is there. */
export function findObstacles(
  programs: readonly (readonly [program: string, debianPackage: string])[],
): string[] {
  const obstacles: string[] = [];
  if (process.getuid?.() !== 0) obstacles.push("root is needed: owners, devices and attributes are compared");
  try {
    accessSync(CLI, constants.R_OK);
  } catch {
    obstacles.push('dist/cli/main.js is missing: run "npm run build" first');
  }
  for (const [program, debianPackage] of programs) {
    if (findProgram(program) === undefined) {
      obstacles.push(`${program} is missing: "apt-get install ${debianPackage}" has it on Debian`);
    }
  }
  return obstacles;
}

/** The path of a program that is on PATH. */
export function findProgram(program: string): string | undefined {
  const paths = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Options of {@link run}. */
export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/**
 * Run a program to its end and return its standard output.
 *
 * @throws Error with the program's own words when it ends with another exit code than 0.
 */
export function run(program: string, args: readonly (string | Buffer)[], options: RunOptions = {}): Buffer {
  return execFileSync(program, args as string[], {
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, LC_ALL: "C", ...options.env },
  });
}

/** How a run of our CLI ended. */
export interface CliResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** What has not ended by then waits for something that never comes. */
const ENDLESS_MS = 120_000;

/** Run our CLI; never throws for what it answers. */
export function runCli(...args: string[]): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: ENDLESS_MS,
    killSignal: "SIGKILL",
  });
  return { exitCode: status, stdout, stderr };
}

/**
 * Run our CLI where it must succeed.
 *
 * @returns the object that it prints with `--json`.
 */
export function flatdelta(...args: string[]): Record<string, unknown> {
  const { exitCode, stdout, stderr } = runCli(...args, "--json");
  if (exitCode !== 0) throw new Error(`flatdelta ${args.join(" ")} ended with ${exitCode}: ${stderr.trim()}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
