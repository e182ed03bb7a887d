/**
 * Run the unit tests: `npm test` all of them, `npm test -- image apply` those whose path contains one of the words,
 * `npm test -- '!faults'` those whose path does not.
 *
 * A list of files, since `node --test` of Node 20 takes no glob patterns.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProject } from "./support/preload/compile.ts";

/** What takes longest, in this order: it starts first, or a processor waits for the last of it. */
const LONGEST = [
  "apply/in-place-faults",
  "conformance/second-reader",
  "apply/damage",
  "rootfs/rootfs",
  "encode/round-trip",
  "conformance/golden",
  "rootfs/faults",
  "update/faults",
  "update/kill",
].map((name) => `${name}.test.ts`);
const rankOf = (path: string): number => (LONGEST.includes(path) ? LONGEST.indexOf(path) : LONGEST.length);

const folder = fileURLToPath(new URL(".", import.meta.url));
const isExcluding = (word: string): boolean => word.startsWith("!");
const excluded = process.argv.slice(2).filter(isExcluding);
const words = process.argv.slice(2).filter((word) => !isExcluding(word));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".test.ts"))
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .filter((path) => !excluded.some((word) => path.includes(word.slice(1))))
  .sort()
  .sort((one, other) => rankOf(one) - rankOf(other))
  .map((path) => join(folder, path));
if (files.length === 0) {
  console.error(`no test file's path contains ${words.map((word) => `"${word}"`).join(" or ")}`);
  process.exit(1);
}
// One more file at a time than there are processors: files wait for threads, processes and disks for a quarter of their time.
const concurrency = availableParallelism() + 1;
const preload = new URL("support/preload/typescript.mjs", import.meta.url).href;
const runner = fileURLToPath(new URL("support/preload/run-files.mjs", import.meta.url));
const compiled = await compileProject();
const { status } = spawnSync(process.execPath, ["--import", preload, runner, `${concurrency}`, ...files], {
  stdio: "inherit",
  env: { ...process.env, FLATDELTA_COMPILED: compiled },
});
rmSync(compiled, { recursive: true });
process.exit(status ?? 1);
