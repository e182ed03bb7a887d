import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "./digest.ts";
import { type InPlacePair, runFlatdelta, runShell } from "./in-place-pair.ts";
import type { Measurement } from "./measure.ts";
import { formatMegabytes, formatNumber, formatSeconds } from "./table.ts";

/** What {@link measureFolder} tells. */
export const FOLDER_COLUMNS = [
  "changed files",
  "staged and journal",
  "ratio",
  "to the disk",
  "in place s",
  "whole s",
  "whole from the tree s",
  "removing the old s",
  "in place MB",
  "whole MB",
];

// The layer of a flat image, found by its manifest, as a tree.
const UNPACK =
  'layer=$(tar -xOf "$1" manifest.json | grep -o \'"Layers":\\["[^"]*\' | cut -d\'"\' -f4); mkdir "$2"; ' +
  'tar -xOf "$1" "$layer" | tar -xpf - -C "$2" --numeric-owner --xattrs --xattrs-include="*"';
const CONFIG =
  'tar -xOf "$1" "$(tar -xOf "$1" manifest.json | grep -o \'"Config":"[^"]*\' | cut -d\'"\' -f4)"';
const SYNC = 'sync -f "$2"';
const REMOVE = 'rm -r "$1"; sync -f "$2"';

/** Of several runs the shortest time and the most memory. */
function merge(runs: readonly Measurement[]): Measurement {
  return {
    ...runs.at(-1)!,
    seconds: Math.min(...runs.map(({ seconds }) => seconds)),
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes ?? 0)),
  };
}

/**
 * Update an unpacked root file system in place, as root. Beside it the whole new image is written: patched to a flat image, which is
 * unpacked by tar and synced; from the old flat image, for a device that keeps that beside its tree, and from the tree, as in place does.
 * What is whole then must be followed by the removal of the old tree, which in place includes and is told apart here.
 *
 * @param runs - how often; the shortest time counts, and the most memory.
 */
export async function measureFolder(pair: InPlacePair, runs: number): Promise<string[]> {
  const { name, work, basis, wanted, delta } = pair;
  const [tree, config, flat, whole] = ["tree", "config.json", "whole.flat", "whole"].map((file) =>
    join(work, file),
  ) as [string, string, string, string];
  const place = `rootfs:${tree}:${config}`;
  const expected = await hashFile(wanted);
  const runsOf = {
    inPlace: [] as Measurement[],
    whole: [] as Measurement[],
    fromTree: [] as Measurement[],
    removal: [] as Measurement[],
  };
  const runSynced = async (...args: string[]): Promise<Measurement> => {
    // What is still to be written of what was before would else be part of what is measured.
    await runShell(SYNC, "", work);
    return runFlatdelta(...args);
  };
  for (let run = 0; run < runs; run++) {
    await runShell(UNPACK, basis, tree);
    await writeFile(config, (await runShell(CONFIG, basis)).stdout);
    const fromTree = await runSynced("patch", place, delta, "-o", flat);
    await rm(flat);
    runsOf.inPlace.push(await runSynced("patch", "--in-place", place, delta));
    const { flatSha256 } = JSON.parse((await runFlatdelta("verify", place)).stdout) as Record<string, string>;
    if (flatSha256 !== expected) throw new Error(`${name}: the tree is not the one that was wanted`);

    const patched = await runSynced("patch", basis, delta, "-o", flat);
    const unpacked = await runShell(`${UNPACK}; ${SYNC}`, flat, whole);
    runsOf.whole.push({ ...patched, seconds: patched.seconds + unpacked.seconds });
    runsOf.fromTree.push({ ...fromTree, seconds: fromTree.seconds + unpacked.seconds });
    await runShell('diff -r --no-dereference "$1" "$2"', whole, tree);
    runsOf.removal.push(await runShell(REMOVE, tree, work));
    for (const path of [flat, whole]) await rm(path, { recursive: true });
  }
  const [inPlace, beside] = [merge(runsOf.inPlace), merge(runsOf.whole)];
  const report = JSON.parse(inPlace.stdout) as Record<string, number>;
  const writtenBytes = report.stagedBytes! + report.journalBytes!;
  // Last: where a file system has no journal, what was removed a moment ago makes new files slow.
  const changedBytes = await readChangedBytes(pair);
  return [
    formatNumber(changedBytes),
    formatNumber(writtenBytes),
    (writtenBytes / changedBytes).toFixed(4),
    formatNumber(inPlace.writtenBytes ?? 0),
    ...[inPlace, beside, merge(runsOf.fromTree), merge(runsOf.removal)].map(({ seconds }) =>
      formatSeconds(seconds),
    ),
    formatMegabytes(inPlace.peakBytes),
    formatMegabytes(beside.peakBytes),
  ];
}

/** Bytes of the new image's files that are not at the same path in the old one; of several names of a file the first counts. */
async function readChangedBytes({ work, basis, wanted }: InPlacePair): Promise<number> {
  const [before, after] = [join(work, "before"), join(work, "after")];
  await runShell(UNPACK, basis, before);
  await runShell(UNPACK, wanted, after);
  const seen = new Set<number>();
  let bytes = 0;
  const visit = (folder: string): void => {
    // Names are bytes.
    for (const name of readdirSync(Buffer.from(after + folder, "latin1"), { encoding: "latin1" })) {
      const path = `${folder}/${name}`;
      const stats = lstatSync(Buffer.from(after + path, "latin1"));
      if (stats.isDirectory()) visit(path);
      if (!stats.isFile() || seen.has(stats.ino)) continue;
      seen.add(stats.ino);
      if (!isSameFile(before + path, after + path, stats.size)) bytes += stats.size;
    }
  };
  visit("");
  await rm(before, { recursive: true });
  await rm(after, { recursive: true });
  return bytes;
}

function isSameFile(before: string, after: string, sizeBytes: number): boolean {
  const [old, made] = [Buffer.from(before, "latin1"), Buffer.from(after, "latin1")];
  const stats = lstatSync(old, { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.size === sizeBytes && readFileSync(old).equals(readFileSync(made));
}
