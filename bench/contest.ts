/**
 * One contender against one pair: make, apply, prove, measure.
 *
 * @module
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import type { Contender, Paths } from "./contenders.ts";
import { hashFile } from "./digest.ts";
import type { Measurement } from "./measure.ts";
import { measureCommands, ProcessFailed, ProcessTimedOut } from "./measure.ts";

/** A flat image on disk. */
export interface FlatFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** What a contender did with a pair. The numbers are there as far as it came. */
export interface ContestResult {
  contender: string;
  /** "failed": it ended with an error or its output is not the target. */
  status: "ok" | "failed" | "timeout";
  /** Why it is not ok. */
  reason?: string;
  deltaBytes?: number;
  makeSeconds?: number;
  makePeakBytes?: number;
  applySeconds?: number;
  applyPeakBytes?: number;
}

/** How a contest is run. */
export interface ContestOptions {
  /** An empty folder; it is emptied again. */
  work: string;
  /** Limit for making and, apart, for applying. */
  timeoutSeconds: number;
  /** How often each step is measured: seconds are the median, memory the most. */
  runs: number;
}

/** Let a contender make the delta, apply it, and prove its output. Never throws for what a contender does wrong. */
export async function holdContest(
  contender: Contender,
  basis: FlatFile,
  target: FlatFile,
  { work, timeoutSeconds, runs }: ContestOptions,
): Promise<ContestResult> {
  const result: ContestResult = { contender: contender.name, status: "ok" };
  const folder = join(work, contender.name);
  const scratch = join(folder, "scratch");
  await mkdir(scratch, { recursive: true });
  try {
    const paths: Paths = {
      basis: basis.path,
      target: target.path,
      delta: join(folder, "delta"),
      made: join(folder, "made"),
      scratch,
    };
    let wanted = target.sha256;
    if (contender.needsLayer === true) {
      paths.basis = await extractLayer(basis.path, join(folder, "basis.tar"));
      paths.target = await extractLayer(target.path, join(folder, "target.tar"));
      wanted = await hashFile(paths.target);
    }
    await measureCommands((await contender.prepare?.(paths)) ?? [], timeoutSeconds);

    const made = await measureRuns(runs, () =>
      measureAfterRemoving(paths.delta, contender.make(paths), timeoutSeconds),
    );
    result.makeSeconds = made.seconds;
    if (made.peakBytes !== undefined) result.makePeakBytes = made.peakBytes;
    result.deltaBytes = (await stat(paths.delta)).size;

    const applied = await measureRuns(runs, () =>
      measureAfterRemoving(paths.made, contender.apply(paths), timeoutSeconds),
    );
    result.applySeconds = applied.seconds;
    if (applied.peakBytes !== undefined) result.applyPeakBytes = applied.peakBytes;
    const found = await hashFile(paths.made);
    if (found !== wanted) {
      result.status = "failed";
      result.reason = `expected an output of SHA-256 ${wanted}, found ${found}`;
    }
  } catch (error) {
    if (error instanceof ProcessTimedOut) result.status = "timeout";
    else if (error instanceof ProcessFailed || (error as { code?: string }).code === "ENOENT") {
      result.status = "failed";
    } else throw error;
    result.reason = (error as Error).message;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return result;
}

async function measureAfterRemoving(
  output: string,
  commands: Parameters<typeof measureCommands>[0],
  timeoutSeconds: number,
): Promise<Measurement> {
  await rm(output, { force: true });
  return measureCommands(commands, timeoutSeconds);
}

/** Measure several times: the median of the seconds, the most of the memory. */
export async function measureRuns(runs: number, measure: () => Promise<Measurement>): Promise<Measurement> {
  const all: Measurement[] = [];
  for (let run = 0; run < runs; run++) all.push(await measure());
  const seconds = all.map((one) => one.seconds).sort((a, b) => a - b);
  const peaks = all.flatMap(({ peakBytes }) => (peakBytes === undefined ? [] : [peakBytes]));
  return {
    ...all.at(-1)!,
    seconds: seconds[Math.floor((seconds.length - 1) / 2)]!,
    peakBytes: peaks.length === 0 ? undefined : Math.max(...peaks),
  };
}

/** The layer of a flat image: by far its biggest file. */
async function extractLayer(flat: string, output: string): Promise<string> {
  let biggest = "";
  let bytes = -1;
  const list = createReadStream(flat).pipe(extract());
  for await (const entry of list) {
    if ((entry.header.size ?? 0) > bytes) {
      bytes = entry.header.size ?? 0;
      biggest = entry.header.name;
    }
    entry.resume();
  }
  const read = createReadStream(flat).pipe(extract());
  for await (const entry of read) {
    if (entry.header.name === biggest) await pipeline(entry, createWriteStream(output));
    else entry.resume();
  }
  return output;
}
