/** What is not of Node runs anywhere: bundled for browsers, in workers, and where no built-in module can be had. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { createDelta, flattenImage, memorySink, readImage } from "../../src/index.ts";
import { readRange } from "../../src/io/index.ts";
import { bundleForBrowser, listPortableModules, PROGRAM } from "./bundle.ts";
import { type ProgramReport, runMainJob } from "./program.ts";

const TIME_LIMIT_MS = 120_000;

const root = fileURLToPath(new URL("../..", import.meta.url));
const archives = ["old", "new"].map((name) => join(root, "fixtures/pair", `${name}.tar`)) as [string, string];

let folder = "";
let program = "";
let brotliDelta = "";
/** What Node says of the images with `node:zlib` and `node:crypto`. */
let expected: { basisSha256: string; targetSha256: string };
/** What Node reports without bundle: the others must report the same. */
let nodeReport: ProgramReport;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "flatdelta-runtime-"));
  program = join(folder, "program.mjs");
  await writeFile(program, await bundleForBrowser(PROGRAM));
  const images = await Promise.all(archives.map((path) => readImage(path)));
  const [basis, target] = await Promise.all(images.map((image) => flattenImage(image)));
  const delta = memorySink();
  await createDelta(basis!, target!, delta, { codec: "brotli" });
  brotliDelta = join(folder, "brotli.delta");
  await writeFile(brotliDelta, delta.bytes());
  const [basisSha256, targetSha256] = await Promise.all(
    [basis!, target!].map(async ({ source }) =>
      createHash("sha256")
        .update(await readRange(source, 0, source.size))
        .digest("hex"),
    ),
  );
  expected = { basisSha256: basisSha256!, targetSha256: targetSha256! };
  await Promise.all(images.map((image) => image.close()));
  nodeReport = await reportOfNode();
});

after(() => rm(folder, { recursive: true, force: true }));

async function reportOfNode(): Promise<ProgramReport> {
  const [oldArchive, newArchive, delta] = await Promise.all(
    [...archives, brotliDelta].map(async (path) => new Blob([await readFile(path)])),
  );
  return runMainJob({ oldArchive: oldArchive!, newArchive: newArchive!, brotliDelta: delta! });
}

async function runInWorker(): Promise<ProgramReport> {
  const main = join(folder, "worker.mjs");
  await writeFile(
    main,
    `import { readFile } from "node:fs/promises";
    import { parentPort, workerData } from "node:worker_threads";
    import { runMainJob } from "./program.mjs";
    const [oldArchive, newArchive, brotliDelta] = await Promise.all(
      workerData.map(async (path) => new Blob([await readFile(path)])),
    );
    parentPort.postMessage(await runMainJob({ oldArchive, newArchive, brotliDelta }));`,
  );
  // Without the loader of the tests, which would be inherited.
  const worker = new Worker(pathToFileURL(main), { workerData: [...archives, brotliDelta], execArgv: [] });
  try {
    return await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the worker ended with ${code} and no report`)));
    });
  } finally {
    await worker.terminate();
  }
}

/** Run the bundle where only what browsers have too is left of Node's globals. */
async function runBare(): Promise<ProgramReport & { left: string[] }> {
  const main = join(folder, "bare.mjs");
  await writeFile(
    main,
    `import { readFile } from "node:fs/promises";
    const [oldArchive, newArchive, brotliDelta] = await Promise.all(
      process.argv.slice(2).map(async (path) => new Blob([await readFile(path)])),
    );
    const { stdout } = process;
    const names = ["process", "Buffer", "global", "setImmediate", "clearImmediate"];
    for (const name of names) delete globalThis[name];
    const { runMainJob } = await import("./program.mjs");
    const report = await runMainJob({ oldArchive, newArchive, brotliDelta });
    stdout.write(JSON.stringify({ ...report, left: names.filter((name) => name in globalThis) }));`,
  );
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...archives, brotliDelta], {
    env,
    timeout: TIME_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  return JSON.parse(stdout) as ProgramReport & { left: string[] };
}

for (const module of listPortableModules()) {
  test(`${relative(root, module)} can be bundled for browsers`, async () => {
    assert.match(await bundleForBrowser(module), /^export \{$/mu);
  });
}

test("a bundle that needs Node is refused", async () => {
  await assert.rejects(bundleForBrowser(join(root, "src/io/node.ts")), /Could not resolve "node:/u);
  const external = join(folder, "external.js");
  await writeFile(external, 'export { x } from "https://example.invalid/x.js";');
  await assert.rejects(bundleForBrowser(external), /imports https:/u);
  const doubtful = join(folder, "doubtful.js");
  await writeFile(doubtful, "export const same = (x) => x === -0;");
  await assert.rejects(bundleForBrowser(doubtful), /Comparison with -0/u);
});

test("Node does the main job by way of the web's types", () => {
  const report = nodeReport;
  const { targetSha256 } = expected;
  for (const { promisedSha256, resultSha256 } of [
    report.fromSignature,
    report.fromBasis,
    report.fromBasisMixed,
  ])
    assert.deepEqual([promisedSha256, resultSha256], [targetSha256, targetSha256]);
  assert.deepEqual(
    [report.basisSha256, report.targetSha256, report.wrongBasis, report.applyBrotli],
    [expected.basisSha256, targetSha256, "BASIS_MISMATCH", targetSha256],
  );
  assert.ok(report.codecs.includes("brotli"));
  assert.notEqual(report.fromSignature.deltaSha256, report.fromBasis.deltaSha256);
});

test("a worker thread does the same with the bundle", { timeout: TIME_LIMIT_MS }, async () => {
  assert.deepEqual(await runInWorker(), nodeReport);
});

test("so does a runtime without built-in modules, but for brotli", { timeout: TIME_LIMIT_MS }, async () => {
  assert.deepEqual(await runBare(), {
    ...nodeReport,
    codecs: ["none", "deflate", "mix", "lz"],
    makeBrotli: "UNSUPPORTED_CODEC",
    applyBrotli: "UNSUPPORTED_CODEC",
    left: [],
  });
});
