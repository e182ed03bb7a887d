/**
 * Runs checks one after another, each in a folder of its own.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Check, PreparedImage } from "./checks.ts";
import { findObstacles } from "./tools.ts";

/** What a suite is. */
export interface Suite {
  /** As its npm script is called. */
  name: string;
  checks: readonly Check[];
  neededPrograms: readonly (readonly [program: string, debianPackage: string])[];
  /** Make the images that its checks share in this folder. */
  prepareImages?(work: string): PreparedImage[];
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function runChecks({ checks, neededPrograms, prepareImages }: Suite): Promise<void> {
  const obstacles = findObstacles(neededPrograms);
  if (obstacles.length > 0)
    throw new Error(["this machine cannot run the checks:", ...obstacles].join("\n  "));
  const word = process.argv[2] ?? "";
  const chosen = checks.filter(({ claim }) => claim.includes(word));
  if (chosen.length === 0) throw new Error(`no claim has "${word}" in it`);
  const work = mkdtempSync(join(tmpdir(), "flatdelta-e2e-"));
  let failed = 0;
  try {
    const prepared = join(work, "images");
    mkdirSync(prepared);
    const images = prepareImages?.(prepared) ?? [];
    for (const [index, { claim, run }] of chosen.entries()) {
      const folder = join(work, String(index));
      mkdirSync(folder);
      const start = performance.now();
      let failure: unknown;
      try {
        await run({ work: folder, images });
      } catch (error) {
        failed++;
        failure = error;
      }
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`${failure === undefined ? "passed" : "FAILED"}  ${claim} (${seconds} s)\n`);
      if (failure !== undefined) process.stdout.write(`    ${describe(failure)}\n`);
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  process.stdout.write(`\n${chosen.length - failed} passed, ${failed} failed\n`);
  if (failed > 0) process.exitCode = 1;
}

/** Run the checks whose claim has the command line's word in it, all without one; the exit code tells whether all passed. */
export async function runSuite(suite: Suite): Promise<void> {
  try {
    await runChecks(suite);
  } catch (error) {
    process.stderr.write(`${suite.name}: ${describe(error)}\n`);
    process.exitCode = 1;
  }
}
