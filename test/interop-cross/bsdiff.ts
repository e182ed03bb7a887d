/** What we make of bsdiff's files, and bspatch of those that we assemble. */
import { writeFile } from "node:fs/promises";
import { applyBsdiff } from "../../src/interop/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { assembleBsdiff40, type BsdiffEntry, expectBsdiffTarget } from "../support/bsdiff.ts";
import { makeBytes } from "../support/pairs.ts";
import { type CrossCase, type CrossCheck, compare, readBytes, runProgram } from "./check.ts";

async function checkTheirs({ basis, target, path }: CrossCase): Promise<string[]> {
  // Debian's bsdiff cannot map empty files.
  if (basis.length === 0 || target.length === 0) return [];
  runProgram("bsdiff", path("basis"), path("target"), path("their-delta"));
  const made = memorySink();
  await applyBsdiff(memorySource(basis), await readBytes(path("their-delta")), made);
  return compare("our patch of their delta", made.bytes(), target);
}

/**
 * Entries that bsdiff would not write: they go back and forth, and behind the end of the basis. Not before its beginning: bspatch
 * 4.3 then reads what lies before it in memory.
 */
async function checkOdd({ basis, random, path }: CrossCase): Promise<string[]> {
  const number = (below: number): number => Math.floor(random() * below);
  let at = 0;
  const entries: BsdiffEntry[] = Array.from({ length: 1 + number(6) }, () => {
    const diff = makeBytes(number(400), 1 + number(1000));
    const extra = makeBytes(number(200), 1 + number(1000));
    const next = number(basis.length + 500);
    const seek = next - at - diff.length;
    at = next;
    return { diff, extra, seek };
  });
  entries.push({ diff: new Uint8Array(1), extra: new Uint8Array(1), seek: 0 });
  const expected = expectBsdiffTarget(basis, entries);
  const delta = assembleBsdiff40(entries);
  await writeFile(path("odd-delta"), delta);
  runProgram("bspatch", path("basis"), path("odd-target"), path("odd-delta"));
  const made = memorySink();
  await applyBsdiff(memorySource(basis), delta, made);
  return [
    ...compare("our patch of odd entries", made.bytes(), expected),
    ...compare("their patch of odd entries", await readBytes(path("odd-target")), expected),
  ];
}

/** BSDIFF40 against bsdiff and bspatch. */
export const bsdiff: CrossCheck = {
  programs: ["bsdiff", "bspatch"],
  check: async (crossCase) => [...(await checkTheirs(crossCase)), ...(await checkOdd(crossCase))],
};
