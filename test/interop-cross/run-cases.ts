/** Random cases for a cross check. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { seededRandom } from "../faults/random.ts";
import { pairArbitrary } from "../support/pairs.ts";
import type { CrossCheck } from "./check.ts";

/** What the unit tests run; `npm run test:interop` takes more. Each case is a handful of processes. */
export const UNIT_RANGE = { cases: Number(process.env.FLATDELTA_CASES ?? 40), seed: 1000 };

/**
 * Run `cases` cases, the first of which has `seed`, the next one more.
 *
 * @param onCase - told of each case, with what differs.
 */
export async function runCases(
  { check }: CrossCheck,
  { cases, seed }: { cases: number; seed: number },
  onCase: (seed: number, differences: readonly string[]) => void,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-interop-"));
  try {
    for (let own = seed; own < seed + cases; own++) {
      const [pair] = fc.sample(pairArbitrary, { seed: own, numRuns: 1 });
      const path = (name: string): string => join(folder, "case", name);
      await mkdir(join(folder, "case"));
      await writeFile(path("basis"), pair!.basis);
      await writeFile(path("target"), pair!.target);
      onCase(
        own,
        await check({ ...pair!, random: seededRandom(own), path }).catch((error) => [String(error)]),
      );
      await rm(join(folder, "case"), { recursive: true });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
