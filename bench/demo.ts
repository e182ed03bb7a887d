/**
 * `npm run demo`: an old image and a small delta become the new image, shown on a real pair with the built CLI.
 *
 * Every digest in the proof is made by node:crypto over the files, not taken from what the CLI says of itself.
 *
 * @module
 */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { hashFile } from "./digest.ts";
import { checkBuilt, flatdeltaCommand } from "./machine.ts";
import { measureCommands } from "./measure.ts";
import { measurePullBytes } from "./pull.ts";
import { formatNumber, formatSeconds, formatTable } from "./table.ts";

const PAIR = fileURLToPath(new URL("../fixtures/pair/", import.meta.url));
const TIMEOUT_SECONDS = 120;

async function main(): Promise<void> {
  checkBuilt();
  const work = await mkdtemp(join(tmpdir(), "flatdelta-demo-"));
  try {
    const proven = await showPair(join(PAIR, "old.tar"), join(PAIR, "new.tar"), work);
    if (!proven) process.exitCode = 1;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function showPair(oldImage: string, newImage: string, work: string): Promise<boolean> {
  const [oldFlat, newFlat, delta, made] = ["old.flat", "new.flat", "update.delta", "made.flat"].map((name) =>
    join(work, name),
  ) as [string, string, string, string];

  /** Run one command of the CLI, show it the way a person would type it, and return its seconds. */
  const run = async (...args: string[]): Promise<number> => {
    const shown = args.map((arg) => (arg.startsWith("/") ? relativePath(arg, work) : arg)).join(" ");
    process.stdout.write(`$ flatdelta ${shown}\n`);
    const { seconds } = await measureCommands([flatdeltaCommand(...args, "--json")], TIMEOUT_SECONDS);
    return seconds;
  };

  process.stdout.write("An old and a new build of one image, from fixtures/pair.\n\n");
  const flattenSeconds =
    (await run("flatten", oldImage, "-o", oldFlat)) + (await run("flatten", newImage, "-o", newFlat));
  const deltaSeconds = await run("delta", oldFlat, newFlat, "-o", delta);
  const patchSeconds = await run("patch", oldFlat, delta, "-o", made);

  const size = async (path: string): Promise<number> => (await stat(path)).size;
  const [oldBytes, newBytes, deltaBytes] = [await size(oldFlat), await size(newFlat), await size(delta)];
  const pullBytes = await measurePullBytes(oldImage, newImage);
  const gzipBytes = gzipSync(await readFile(newFlat), { level: 9 }).length;
  const times = (bytes: number): string => `${(bytes / deltaBytes).toFixed(1)} x the delta`;

  const rows = [
    ["old image, flat", formatNumber(oldBytes), ""],
    ["new image, flat", formatNumber(newBytes), ""],
    ["new image, flat, gzip -9", formatNumber(gzipBytes), times(gzipBytes)],
    ...(pullBytes === undefined
      ? []
      : [["layers that a pull downloads, gzip", formatNumber(pullBytes), times(pullBytes)]]),
    ["delta", formatNumber(deltaBytes), ""],
  ];
  process.stdout.write(`\n${formatTable([["", "bytes", ""], ...rows])}\n`);
  process.stdout.write(
    `\nseconds, process start included: flatten both ${formatSeconds(flattenSeconds)},` +
      ` make the delta ${formatSeconds(deltaSeconds)}, apply it ${formatSeconds(patchSeconds)}\n`,
  );

  const [wanted, found] = [await hashFile(newFlat), await hashFile(made)];
  process.stdout.write(`\nSHA-256 of the new image flattened from its layers  ${wanted}\n`);
  process.stdout.write(`SHA-256 of the image made from old image and delta  ${found}\n`);
  const proven = wanted === found;
  process.stdout.write(proven ? "\nThey are equal: the device has the new image.\n" : "\nTHEY DIFFER.\n");
  return proven;
}

function relativePath(path: string, work: string): string {
  const inWork = relative(work, path);
  return inWork.startsWith("..") ? relative(join(PAIR, "../.."), path) : inWork;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
