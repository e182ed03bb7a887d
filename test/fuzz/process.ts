/**
 * Fuzzes one parser in a process of its own, started by `run.ts`: what hangs or eats memory can be ended then.
 *
 * Arguments: the parser's name, seconds, executions, seed, folder for crashers. The last line on standard output is a JSON report.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CoverageWatcher } from "./coverage.ts";
import { fuzz, minimise, runInput } from "./fuzzer.ts";
import { guardAllocations } from "./guard.ts";
import { Random } from "./random.ts";
import { Finding } from "./target.ts";
import { TARGETS } from "./targets/index.ts";
import { Watchdog } from "./watchdog.ts";

const HANG_SECONDS = 20;
const MAX_RESIDENT_BYTES = 1.5 * 2 ** 30;
const MINIMISE_MS = 20_000;

/** What a process reports about its parser. */
export interface FuzzReport {
  parser: string;
  executions: number;
  seconds: number;
  seeds: number;
  newInputs: number;
  functions: number;
  blocks: number;
  blocksRun: number;
  peakMemoryBytes: number;
  crashes: { path: string; message: string }[];
}

const [parser, seconds, maxExecutions, seed, folder] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const coverage = new CoverageWatcher(new URL("../../src/", import.meta.url).href);
const target = await TARGETS[parser]!();
const watch = new Watchdog({
  hangSeconds: HANG_SECONDS,
  maxResidentBytes: MAX_RESIDENT_BYTES,
  path: join(folder, `ended-${process.pid}`),
});
guardAllocations();
// Of a promise that nobody awaits: the run that it belongs to is over, but the one that goes on is near it.
let unhandled: unknown;
process.on("unhandledRejection", (error) => {
  unhandled ??= error;
});
const watched = {
  ...target,
  run: async (input: Uint8Array) => {
    await target.run(input);
    await new Promise(setImmediate);
    if (unhandled === undefined) return;
    const error = unhandled;
    unhandled = undefined;
    throw new Finding(`an unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`);
  },
};
const result = await fuzz(watched, {
  random: new Random(Number(seed)),
  coverage,
  maxMs: 1000 * Number(seconds),
  maxExecutions: Number(maxExecutions),
  watch,
});
await watch.close();
const crashes: FuzzReport["crashes"] = [];
for (const crash of result.crashes) {
  const input = await minimise(watched, crash, MINIMISE_MS);
  mkdirSync(folder, { recursive: true });
  const name = createHash("sha256").update(input).digest("hex").slice(0, 16);
  writeFileSync(join(folder, name), input);
  const error = (await runInput(watched, input)) ?? crash.error;
  crashes.push({ path: join(folder, name), message: error.stack ?? error.message });
}
const { executions, newInputs, seeds } = result;
const report: FuzzReport = {
  parser,
  executions,
  seconds: result.seconds,
  seeds,
  newInputs,
  ...result.coverage,
  peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  crashes,
};
console.log(JSON.stringify(report));
