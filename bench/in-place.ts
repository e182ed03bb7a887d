/**
 * `npm run bench:in-place -- --pairs DIR`: what applying in place costs, pair by pair: bytes of delta, scratch space, time against
 * writing the new image beside the old one, memory. Every result is compared by SHA-256.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hashFile } from "./digest.ts";
import { checkBuilt, flatdeltaCommand } from "./machine.ts";
import { measureCommands } from "./measure.ts";
import { formatMegabytes, formatNumber, formatSeconds, formatTable } from "./table.ts";

const TIMEOUT_SECONDS = 1200;
const COLUMNS = [
  "pair",
  "delta bytes",
  "for streams only",
  "scratch declared",
  "stash",
  "spool",
  "stashed in all",
  "in place s",
  "beside s",
  "in place MB",
  "beside MB",
];

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { pairs: text, only: text, tmp: text } });
  if (values.pairs === undefined)
    throw new Error("expected --pairs DIR, a folder of folders with old.tar and new.tar");
  checkBuilt();
  const work = await mkdtemp(join(values.tmp ?? tmpdir(), "flatdelta-bench-"));
  const run = (...args: string[]) => measureCommands([flatdeltaCommand(...args, "--json")], TIMEOUT_SECONDS);
  const rows: string[][] = [];
  try {
    const names = (await readdir(values.pairs)).filter((name) => (values.only ?? name) === name);
    const pairs = names.filter((name) => existsSync(join(values.pairs!, name, "old.tar"))).sort();
    for (const name of pairs) {
      process.stderr.write(`${name} …\n`);
      const path = (file: string): string => join(work, file);
      const [basis, wanted, delta, streamed, beside, target] = ["a", "b", "d", "s", "c", "t"].map(path) as [
        string,
        string,
        string,
        string,
        string,
        string,
      ];
      await run("flatten", join(values.pairs, name, "old.tar"), "-o", basis);
      await run("flatten", join(values.pairs, name, "new.tar"), "-o", wanted);
      await run("delta", basis, wanted, "-o", delta);
      await run("delta", basis, wanted, "-o", streamed, "--stream-only");
      const expected = await hashFile(wanted);
      await copyFile(basis, target);
      const stream = await run("patch", basis, delta, "-o", beside);
      const inPlace = await run("patch", "--in-place", target, delta);
      for (const made of [beside, target]) {
        if ((await hashFile(made)) !== expected)
          throw new Error(`${name}: the target is not the one that was wanted`);
      }
      const report = JSON.parse(inPlace.stdout) as Record<string, number>;
      const info = JSON.parse((await run("inspect", delta)).stdout) as { inPlace: Record<string, number> };
      rows.push([
        name,
        formatNumber((await stat(delta)).size),
        formatNumber((await stat(streamed)).size),
        formatNumber(info.inPlace.stashBytes! + info.inPlace.spoolBytes!),
        formatNumber(report.stashBytes!),
        formatNumber(report.spoolBytes!),
        formatNumber(report.stashedBytes!),
        formatSeconds(inPlace.seconds),
        formatSeconds(stream.seconds),
        formatMegabytes(inPlace.peakBytes),
        formatMegabytes(stream.peakBytes),
      ]);
      for (const file of [basis, wanted, delta, streamed, beside, target]) await rm(file);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  process.stdout.write(`${formatTable([COLUMNS, ...rows])}\n`);
}

await main();
