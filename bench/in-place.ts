/**
 * `npm run bench:in-place -- --pairs DIR`: what applying in place costs, pair by pair: bytes of delta, scratch space, time against
 * writing the new image beside the old one, memory. Every result is compared by SHA-256.
 *
 * With `--rootfs`, as root: the same of unpacked root file systems, with the bytes that are written against those of the files that
 * change. `--runs N` times; the shortest time counts. `--tmp DIR` says on which disk.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FILE_COLUMNS, measureFile } from "./in-place-file.ts";
import { FOLDER_COLUMNS, measureFolder } from "./in-place-folder.ts";
import { preparePair } from "./in-place-pair.ts";
import { checkBuilt } from "./machine.ts";
import { formatTable } from "./table.ts";

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: { pairs: text, only: text, tmp: text, runs: text, rootfs: { type: "boolean" } },
  });
  const { pairs: folder, only, rootfs = false } = values;
  if (folder === undefined)
    throw new Error("expected --pairs DIR, a folder of folders with old.tar and new.tar");
  checkBuilt();
  const work = await mkdtemp(join(values.tmp ?? tmpdir(), "flatdelta-bench-"));
  const rows = [["pair", ...(rootfs ? FOLDER_COLUMNS : FILE_COLUMNS)]];
  try {
    const names = (await readdir(folder)).filter((name) => (only ?? name) === name);
    for (const name of names.filter((name) => existsSync(join(folder, name, "new.tar"))).sort()) {
      process.stderr.write(`${name} …\n`);
      const own = join(work, name);
      await mkdir(own);
      const pair = await preparePair(folder, name, own);
      const cells = rootfs ? await measureFolder(pair, Number(values.runs ?? "1")) : await measureFile(pair);
      rows.push([name, ...cells]);
      await rm(own, { recursive: true });
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  process.stdout.write(`${formatTable(rows)}\n`);
}

await main();
