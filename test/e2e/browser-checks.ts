/**
 * What a browser makes of the package: the same bytes as Node.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleForBrowser, PROGRAM } from "../runtime/bundle.ts";
import type { ProgramInputs, ProgramReport } from "../runtime/program.ts";
import { REPORT_PATH, runPage, type ServedFile } from "./browser.ts";
import { type Check, type CheckContext, expectEqual } from "./checks.ts";
import { flatdelta, PAIR } from "./tools.ts";

const INPUT_NAMES = ["oldArchive", "newArchive", "brotliDelta"] as const satisfies (keyof ProgramInputs)[];

const script = (content: string): ServedFile => ({ type: "text/javascript", content });

const PAGE: ServedFile = {
  type: "text/html; charset=utf-8",
  content: '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
};

/** Runs the program on what the server has. */
const JOB = script(`
import { runMainJob } from "/program.js";
export async function runJob() {
  const inputs = {};
  for (const name of ${JSON.stringify(INPUT_NAMES)}) {
    const response = await fetch("/" + name);
    if (!response.ok) throw new Error(name + ": " + response.status);
    inputs[name] = await response.blob();
  }
  return runMainJob(inputs);
}
export const describe = (error) => ({ error: String(error?.stack ?? error) });
`);

const WORKER = script(`
import { describe, runJob } from "/job.js";
postMessage(await runJob().catch(describe));
`);

const startOf = (report: string): ServedFile =>
  script(`
import { describe, runJob } from "/job.js";
const runInWorker = () => new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => reject(new Error("the worker failed: " + event.message));
});
const report = await ${report}.catch(describe);
await fetch("${REPORT_PATH}", { method: "POST", body: JSON.stringify(report) });
`);

/** The deltas that a device may be sent are made by the CLI. */
function readInputs(context: CheckContext): Record<keyof ProgramInputs, Uint8Array<ArrayBuffer>> {
  const [oldArchive, newArchive] = [join(PAIR, "old.tar"), join(PAIR, "new.tar")];
  const brotliDelta = join(context.work, "brotli.delta");
  flatdelta("delta", oldArchive, newArchive, "-o", brotliDelta, "--codec", "brotli");
  const read = (path: string) => new Uint8Array(readFileSync(path));
  return { oldArchive: read(oldArchive), newArchive: read(newArchive), brotliDelta: read(brotliDelta) };
}

/** What Node makes of the same bundle. */
async function reportOfNode(
  context: CheckContext,
  program: string,
  inputs: ReturnType<typeof readInputs>,
): Promise<ProgramReport> {
  const file = join(context.work, "program.mjs");
  writeFileSync(file, program);
  const { runMainJob } = (await import(pathToFileURL(file).href)) as typeof import("../runtime/program.ts");
  const report = await runMainJob({
    oldArchive: new Blob([inputs.oldArchive]),
    newArchive: new Blob([inputs.newArchive]),
    brotliDelta: new Blob([inputs.brotliDelta]),
  });
  for (const { promisedSha256, resultSha256 } of [
    report.fromSignature,
    report.fromBasis,
    report.fromBasisMixed,
  ]) {
    expectEqual(promisedSha256, report.targetSha256, "what the delta promises");
    expectEqual(resultSha256, report.targetSha256, "what applying the delta gives");
  }
  return report;
}

async function expectSameAsNode(context: CheckContext, start: ServedFile): Promise<void> {
  const inputs = readInputs(context);
  const program = await bundleForBrowser(PROGRAM, { modules: "compiled" });
  const files = new Map<string, ServedFile>([
    ["/", PAGE],
    ["/page.js", start],
    ["/job.js", JOB],
    ["/worker.js", WORKER],
    ["/program.js", script(program)],
  ]);
  for (const name of INPUT_NAMES)
    files.set(`/${name}`, { type: "application/octet-stream", content: inputs[name] });
  const found = (await runPage(files)) as Record<string, unknown>;
  if ("error" in found) throw new Error(`the page failed: ${String(found.error)}`);
  const expected: ProgramReport = {
    ...(await reportOfNode(context, program, inputs)),
    codecs: ["none", "deflate", "mix", "lz"],
    makeBrotli: "UNSUPPORTED_CODEC",
    applyBrotli: "UNSUPPORTED_CODEC",
  };
  for (const [key, value] of Object.entries(expected))
    expectEqual(JSON.stringify(found[key]), JSON.stringify(value), `${key} of the browser's report`);
}

/** The checks of this file. */
export const BROWSER_CHECKS: readonly Check[] = [
  {
    claim: "a page in a browser flattens, makes deltas and applies them to the same bytes as Node",
    run: (context) => expectSameAsNode(context, startOf("runJob()")),
  },
  {
    claim: "a web worker in a browser does the same",
    run: (context) => expectSameAsNode(context, startOf("runInWorker()")),
  },
];
