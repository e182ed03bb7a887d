/**
 * `npx tsx bench/large-image.ts`: how much memory do `signature`, `delta` and `patch` hold for an image of 4 GB?
 *
 * Memory must not grow with the image. The image is synthetic: random bytes, zeros, repeats; its new version moves three
 * quarters of it by an odd number of bytes. Ends with exit code 1 when the output is wrong or a limit is exceeded.
 * Needs about four times the image's size in `--tmp`.
 *
 * @module
 */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hashFile } from "./digest.ts";
import { checkBuilt, describeMachine, flatdeltaCommand } from "./machine.ts";
import { MEMORY_METHOD, measureCommands } from "./measure.ts";
import type { SyntheticVersion } from "./synthetic-image.ts";
import { writeSyntheticImage } from "./synthetic-image.ts";
import { formatMegabytes, formatNumber, formatSeconds, formatTable } from "./table.ts";

const TIMEOUT_SECONDS = 1200;
/** What `signature` and `patch` may hold, whatever the image's size. */
const MEMORY_LIMIT_BYTES = 128e6;

interface Step {
  name: string;
  seconds: number;
  megabytesPerSecond: number;
  peakBytes: number | undefined;
  limitBytes?: number;
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { gigabytes: text, json: text, tmp: text } });
  const fileBytes = Number(values.gigabytes ?? "4") * 2 ** 30;
  checkBuilt();
  const work = await mkdtemp(join(values.tmp ?? tmpdir(), "flatdelta-bench-"));
  try {
    const path = (name: string): string => join(work, name);
    const steps: Step[] = [];
    const measure = async (
      name: string,
      input: string,
      args: string[],
      limitBytes?: number,
    ): Promise<void> => {
      process.stderr.write(`${name} …\n`);
      const { seconds, peakBytes } = await measureCommands(
        [flatdeltaCommand(...args, "--json")],
        TIMEOUT_SECONDS,
      );
      const { size } = await stat(input);
      const step: Step = { name, seconds, megabytesPerSecond: size / 1e6 / seconds, peakBytes };
      if (limitBytes !== undefined) step.limitBytes = limitBytes;
      steps.push(step);
    };

    for (const version of ["old", "new"] satisfies SyntheticVersion[]) {
      const image = path(`${version}.tar`);
      await writeSyntheticImage(image, fileBytes, version);
      await measure(`flatten ${version}`, image, ["flatten", image, "-o", path(`${version}.flat`)]);
      await rm(image);
    }
    const [basis, target, signature] = [path("old.flat"), path("new.flat"), path("old.sig")];
    await measure("signature", basis, ["signature", basis, "-o", signature], MEMORY_LIMIT_BYTES);
    const wanted = await hashFile(target);
    const deltas: { name: string; bytes: number }[] = [];
    for (const [name, from] of [
      ["from the image", basis],
      ["from its signature", signature],
    ] as const) {
      const [delta, made] = [path("delta"), path("made.flat")];
      await measure(`delta ${name}`, target, ["delta", from, target, "-o", delta, "--force"]);
      deltas.push({ name, bytes: (await stat(delta)).size });
      await measure(`patch, delta ${name}`, target, ["patch", basis, delta, "-o", made], MEMORY_LIMIT_BYTES);
      const found = await hashFile(made);
      if (found !== wanted) throw new Error(`expected an output of SHA-256 ${wanted}, found ${found}`);
      await rm(made);
    }

    const targetBytes = (await stat(target)).size;
    const isOver = ({ peakBytes, limitBytes }: Step): boolean =>
      peakBytes !== undefined && limitBytes !== undefined && peakBytes > limitBytes;
    process.stdout.write(
      `flat target of ${formatNumber(targetBytes)} bytes; memory: ${MEMORY_METHOD}\n` +
        formatTable([
          ["", "s", "MB/s", "peak MB", "limit MB", ""],
          ...steps.map((step) => [
            step.name,
            formatSeconds(step.seconds),
            step.megabytesPerSecond.toFixed(0),
            formatMegabytes(step.peakBytes),
            step.limitBytes === undefined ? "" : formatMegabytes(step.limitBytes),
            isOver(step) ? "OVER" : "",
          ]),
        ]) +
        `\n${deltas.map(({ name, bytes }) => `delta ${name}: ${formatNumber(bytes)} bytes`).join("\n")}\n`,
    );
    if (values.json !== undefined) {
      const report = {
        date: new Date().toISOString(),
        machine: describeMachine(),
        targetBytes,
        steps,
        deltas,
      };
      await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    if (steps.some(isOver)) process.exitCode = 1;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
