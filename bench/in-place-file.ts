import { copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "./digest.ts";
import { type InPlacePair, runFlatdelta } from "./in-place-pair.ts";
import { formatMegabytes, formatNumber, formatSeconds } from "./table.ts";

/** What {@link measureFile} tells. */
export const FILE_COLUMNS = [
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

/** Update a flat image in place, and beside it; compare both results. */
export async function measureFile({ name, work, basis, wanted, delta }: InPlacePair): Promise<string[]> {
  const [streamed, beside, target] = ["streamed", "beside.flat", "target.flat"].map((file) =>
    join(work, file),
  ) as [string, string, string];
  await runFlatdelta("delta", basis, wanted, "-o", streamed, "--stream-only");
  const expected = await hashFile(wanted);
  await copyFile(basis, target);
  const stream = await runFlatdelta("patch", basis, delta, "-o", beside);
  const inPlace = await runFlatdelta("patch", "--in-place", target, delta);
  for (const made of [beside, target]) {
    if ((await hashFile(made)) !== expected)
      throw new Error(`${name}: the target is not the one that was wanted`);
  }
  const report = JSON.parse(inPlace.stdout) as Record<string, number>;
  const info = JSON.parse((await runFlatdelta("inspect", delta)).stdout) as {
    inPlace: Record<string, number>;
  };
  return [
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
  ];
}
