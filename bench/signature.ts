/**
 * `npx tsx bench/signature.ts`: how fast is `flatdelta signature`, as a whole process, against `rdiff signature` over the
 * same flat image in the same run?
 *
 * The image comes from `--image` (anything `flatten` reads) or is a synthetic one of `--megabytes` (1024). Runs of both
 * take turns, so that what else the machine does hits both; the page cache is warm.
 *
 * @module
 */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hashFile } from "./digest.ts";
import { checkBuilt, describeMachine, findProgram, flatdeltaCommand } from "./machine.ts";
import type { Command, Measurement } from "./measure.ts";
import { MEMORY_METHOD, measureCommands } from "./measure.ts";
import { writeSyntheticImage } from "./synthetic-image.ts";
import { formatMegabytes, formatSeconds, formatTable } from "./table.ts";

const TIMEOUT_SECONDS = 300;

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: { image: text, megabytes: text, runs: text, json: text, tmp: text },
  });
  checkBuilt();
  const runs = Number(values.runs ?? "5");
  const work = await mkdtemp(join(values.tmp ?? tmpdir(), "flatdelta-bench-"));
  try {
    const flat = join(work, "flat");
    let image = values.image;
    if (image === undefined) {
      image = join(work, "image.tar");
      await writeSyntheticImage(image, Number(values.megabytes ?? "1024") * 2 ** 20, "old");
    }
    await measureCommands([flatdeltaCommand("flatten", image, "-o", flat)], TIMEOUT_SECONDS);
    const bytes = (await stat(flat)).size;
    const sha256 = await hashFile(flat);

    const commands: [name: string, command: Command][] = [
      ["flatdelta signature", flatdeltaCommand("signature", flat, "-o", join(work, "ours"), "--force")],
    ];
    if (findProgram("rdiff") === undefined) process.stdout.write("rdiff is not on PATH\n");
    else commands.push(["rdiff signature", ["rdiff", "-f", "signature", flat, join(work, "theirs")]]);
    const measured = new Map<string, Measurement[]>(commands.map(([name]) => [name, []]));
    for (let run = 0; run < runs; run++) {
      for (const [name, command] of commands) {
        measured.get(name)!.push(await measureCommands([command], TIMEOUT_SECONDS));
      }
    }
    const results = [...measured].map(([name, all]) => {
      const seconds = all.map((one) => one.seconds).sort((a, b) => a - b);
      const medianSeconds = seconds[Math.floor((seconds.length - 1) / 2)]!;
      return {
        name,
        medianSeconds,
        bestSeconds: seconds[0]!,
        megabytesPerSecond: bytes / 1e6 / medianSeconds,
        peakBytes: Math.max(...all.map(({ peakBytes }) => peakBytes ?? 0)),
      };
    });
    process.stdout.write(
      `flat image of ${formatMegabytes(bytes)} MB, ${runs} runs; memory: ${MEMORY_METHOD}\n` +
        formatTable([
          ["", "median s", "best s", "MB/s", "peak MB"],
          ...results.map((one) => [
            one.name,
            formatSeconds(one.medianSeconds),
            formatSeconds(one.bestSeconds),
            one.megabytesPerSecond.toFixed(0),
            formatMegabytes(one.peakBytes),
          ]),
        ]) +
        "\n",
    );
    if (values.json !== undefined) {
      const report = {
        date: new Date().toISOString(),
        machine: describeMachine(),
        bytes,
        sha256,
        runs,
        results,
      };
      await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

await main();
