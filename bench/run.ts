/**
 * `npm run bench -- --pairs DIR`: how small, how fast, in how much memory, against every peer on PATH in the same run.
 *
 * DIR holds one folder for each pair with `old.tar` and `new.tar` (any image archive) or `old.oci` and `new.oci` (OCI
 * layouts). Both images are flattened by the built CLI; everybody gets the same two flat images. Every delta is applied
 * and its output's SHA-256 compared, so no number comes from a wrong output.
 *
 * @module
 */
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Contender } from "./contenders.ts";
import { CONTENDERS, isInstalled } from "./contenders.ts";
import type { FlatFile } from "./contest.ts";
import { holdContest } from "./contest.ts";
import { hashFile } from "./digest.ts";
import { checkBuilt, describeMachine, flatdeltaCommand } from "./machine.ts";
import { MEMORY_METHOD, measureCommands } from "./measure.ts";
import { measurePullBytes } from "./pull.ts";
import type { BenchReport, PairReport } from "./report.ts";
import { formatPair, formatRatios } from "./report.ts";

const USAGE = `usage: npm run bench -- [options]
  --pairs DIR      folder of pairs: DIR/NAME/{old,new}.tar or .oci (the one in fixtures)
  --only NAME,…    these pairs only
  --peers NAME,…   these peers only; "none" for ours alone (every peer on PATH)
  --runs N         measure N times: median seconds, most memory (1)
  --timeout SEC    limit for making and, apart, for applying (300)
  --json FILE      write all numbers there
  --tmp DIR        folder for flat images and deltas (the system's temporary folder)
peers: ${CONTENDERS.filter(({ ours }) => !ours)
  .map(({ name }) => name)
  .join(", ")}
`;

interface Options {
  pairs: string;
  only: string[] | undefined;
  contenders: Contender[];
  missing: string[];
  runs: number;
  timeoutSeconds: number;
  json: string | undefined;
  tmp: string;
}

/** The command line is wrong, or a pair is. */
class UsageError extends Error {}

function parseOptions(argv: string[]): Options | undefined {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: argv,
    options: {
      pairs: text,
      only: text,
      peers: text,
      runs: text,
      timeout: text,
      json: text,
      tmp: text,
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return undefined;
  const peers = values.peers === "none" ? [] : values.peers?.split(",");
  const known = CONTENDERS.filter(({ ours }) => !ours);
  for (const name of peers ?? []) {
    if (!known.some((peer) => peer.name === name)) {
      throw new UsageError(`expected peers of ${known.map((peer) => peer.name).join(", ")}, got ${name}`);
    }
  }
  const wanted = CONTENDERS.filter(({ name, ours }) => ours || peers === undefined || peers.includes(name));
  return {
    pairs: values.pairs ?? fileURLToPath(new URL("../fixtures/", import.meta.url)),
    only: values.only?.split(","),
    contenders: wanted.filter(isInstalled),
    missing: wanted.filter((one) => !isInstalled(one)).map(({ name }) => name),
    runs: parseCount("--runs", values.runs ?? "1"),
    timeoutSeconds: parseCount("--timeout", values.timeout ?? "300"),
    json: values.json,
    tmp: values.tmp ?? tmpdir(),
  };
}

function parseCount(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`expected ${name} to be 1 or more, got ${text}`);
  return count;
}

/** The image of a side of a pair; `kinds` in the order of preference. */
function findImage(folder: string, side: "old" | "new", kinds: readonly string[]): string | undefined {
  return kinds.map((kind) => join(folder, `${side}.${kind}`)).find((path) => existsSync(path));
}

function findPairs({ pairs, only }: Options): string[] {
  const found = readdirSync(pairs)
    .sort()
    .filter((name) => findImage(join(pairs, name), "old", ["tar", "oci"]) !== undefined);
  const missing = (only ?? []).filter((name) => !found.includes(name));
  if (missing.length > 0)
    throw new UsageError(`expected pairs of ${found.join(", ")}, got ${missing.join(", ")}`);
  if (found.length === 0)
    throw new UsageError(`expected folders with old.tar and new.tar in ${pairs}, found none`);
  return only ?? found;
}

async function runPair(name: string, options: Options, work: string): Promise<PairReport> {
  const folder = join(options.pairs, name);
  const archiveFirst = ["tar", "oci"];
  const [oldImage, newImage] = [
    findImage(folder, "old", archiveFirst),
    findImage(folder, "new", archiveFirst),
  ];
  if (oldImage === undefined || newImage === undefined) {
    throw new UsageError(`expected old and new images in ${folder}, found one side only`);
  }
  const [oldFlat, newFlat] = [join(work, "old.flat"), join(work, "new.flat")];
  const flattened = await measureCommands(
    [
      flatdeltaCommand("flatten", oldImage, "-o", oldFlat, "--json"),
      flatdeltaCommand("flatten", newImage, "-o", newFlat, "--json"),
    ],
    options.timeoutSeconds,
  );
  const [basis, target] = [await describeFlat(oldFlat), await describeFlat(newFlat)];
  // Archives of older engines hold plain layers; a layout beside them tells what a registry would send.
  const layersFirst = ["oci", "tar"];
  const pullBytes = await measurePullBytes(
    findImage(folder, "old", layersFirst)!,
    findImage(folder, "new", layersFirst)!,
  );
  const report: PairReport = {
    name,
    basis: { bytes: basis.bytes, sha256: basis.sha256 },
    target: { bytes: target.bytes, sha256: target.sha256 },
    flattenSeconds: flattened.seconds,
    results: [],
  };
  if (pullBytes !== undefined) report.pullBytes = pullBytes;
  if (flattened.peakBytes !== undefined) report.flattenPeakBytes = flattened.peakBytes;
  for (const contender of options.contenders) {
    process.stderr.write(`${name}: ${contender.name} …\n`);
    report.results.push(await holdContest(contender, basis, target, { ...options, work }));
  }
  await Promise.all([rm(oldFlat), rm(newFlat)]);
  return report;
}

async function describeFlat(path: string): Promise<FlatFile> {
  return { path, bytes: (await stat(path)).size, sha256: await hashFile(path) };
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  checkBuilt();
  const report: BenchReport = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    memoryMethod: MEMORY_METHOD,
    timeoutSeconds: options.timeoutSeconds,
    runs: options.runs,
    missing: options.missing,
    pairs: [],
  };
  const { cpu, cores, node } = report.machine;
  process.stdout.write(`${cpu}, ${cores} cores, Node ${node}; memory: ${MEMORY_METHOD}\n`);
  if (options.missing.length > 0) process.stdout.write(`not on PATH: ${options.missing.join(", ")}\n`);
  const work = await mkdtemp(join(options.tmp, "flatdelta-bench-"));
  try {
    for (const name of findPairs(options)) {
      const pair = await runPair(name, options, work);
      report.pairs.push(pair);
      process.stdout.write(`\n${formatPair(pair, options.timeoutSeconds)}\n`);
      // After every pair, so that an interrupted run leaves what it has measured.
      if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
      if (
        pair.results.some(({ contender, status }) => status !== "ok" && contender.startsWith("flatdelta"))
      ) {
        process.exitCode = 1;
      }
    }
    process.stdout.write(`\n${formatRatios(report.pairs, "flatdelta")}\n`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
