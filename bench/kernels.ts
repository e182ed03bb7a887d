/**
 * How fast are the byte kernels, and what does the WASM core win over plain TypeScript?
 *
 * Run: npm run bench:kernels [-- --json] [-- --only NAME]
 *
 * Each kernel runs over 16 MiB of noise, its TypeScript reference over a part of them. Results are checked before they are
 * timed. The figure is the fastest of mitata's samples: other work on the machine can only slow a kernel down.
 */
import { deepEqual, equal } from "node:assert/strict";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { measure } from "mitata";
import { createHashCore, createScanner, createSha256, findRun, loadHash64 } from "../src/hash/index.ts";
import * as reference from "../src/hash/reference.ts";
import { createPortableSha256 } from "../src/hash/sha256.ts";
import { BlockIndex, buildSignature } from "../src/signature/index.ts";

const INPUT_BYTES = 1 << 24;
/** The references are ten times slower and more. */
const REFERENCE_BYTES = 1 << 21;
const MIN_SAMPLE_TIME_NANOSECONDS = 300e6;

interface Row {
  kernel: string;
  megabytesPerSecond: number;
}

const { values } = parseArgs({ options: { json: { type: "boolean" }, only: { type: "string" } } });

/** Bytes that look random and are always the same (xorshift32). */
function noise(bytes: number): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  let state = 2463534242;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

const rows: Row[] = [];

async function time(kernel: string, bytes: number, run: () => unknown): Promise<void> {
  if (values.only !== undefined && !kernel.includes(values.only)) return;
  const { min } = await measure(run, { min_cpu_time: MIN_SAMPLE_TIME_NANOSECONDS });
  const megabytesPerSecond = (bytes * 1000) / min;
  rows.push({ kernel, megabytesPerSecond: Math.round(megabytesPerSecond) });
  if (!values.json) console.log(`${kernel.padEnd(56)}${megabytesPerSecond.toFixed(0).padStart(8)} MB/s`);
}

const core = await createHashCore();
const hash64 = await loadHash64();
const input = noise(INPUT_BYTES);
const copy = input.slice();
const part = input.subarray(0, REFERENCE_BYTES);
const output = new Uint8Array(INPUT_BYTES);

// Whole-file hashes.
await time("SHA-256, runtime", INPUT_BYTES, () => {
  const hash = createSha256();
  hash.update(input);
  return hash.digest();
});
await time("SHA-256, portable", REFERENCE_BYTES, () => {
  const hash = createPortableSha256();
  hash.update(part);
  return hash.digest();
});
await time("XXH64", INPUT_BYTES, () => hash64.hash(input));

// Hashes of blocks.
const weak = new Uint32Array(INPUT_BYTES / 64);
const strong = new BigUint64Array(INPUT_BYTES / 64);
for (const blockBytes of [64, 1024, 16_384]) {
  const blocks = core.hashBlocks(part, blockBytes, weak, strong);
  deepEqual(weak.slice(0, blocks), reference.hashBlocks(part, blockBytes));
  await time(`weak hashes of blocks of ${blockBytes}`, INPUT_BYTES, () =>
    core.hashBlocks(input, blockBytes, weak),
  );
  await time(`weak hashes of blocks of ${blockBytes}, reference`, REFERENCE_BYTES, () =>
    reference.hashBlocks(part, blockBytes),
  );
  await time(`weak and strong hashes of blocks of ${blockBytes}`, INPUT_BYTES, () =>
    core.hashBlocks(input, blockBytes, weak, strong),
  );
}

// Rolling scan of what matches nothing.
const hashes = new Uint32Array(noise(4 << 20).buffer).map((hash) => Math.imul(hash, 0x9e3779b1));
for (const [blockBytes, count] of [
  [32, 1000],
  [1024, 10_000],
  [1024, 280_000],
  [1024, 1 << 20],
  [65_536, 280_000],
] as const) {
  const scanner = await createScanner(blockBytes);
  const wanted = hashes.subarray(0, count);
  scanner.setFilter(wanted);
  await time(`scan, windows of ${blockBytes}, ${count} hashes`, INPUT_BYTES, () => {
    let candidates = 0;
    scanner.start(input, 0, INPUT_BYTES);
    while (scanner.next()) candidates++;
    return candidates;
  });
}
const wantedSet = new Set(hashes.subarray(0, 10_000));
await time("scan, windows of 1024, 10000 hashes, reference", REFERENCE_BYTES, () =>
  reference.scanWindows(part, 0, part.length, 1024, wantedSet),
);

// The scan with all of what a matcher asks: every candidate looked up in a block index.
{
  const signature = await buildSignature(
    copy.map((byte) => byte ^ 0x55),
    { blockBytes: 64 },
  );
  const index = new BlockIndex(signature);
  const scanner = await createScanner(64);
  scanner.setFilter(index.weakHashes);
  await time("scan and look-up, windows of 64, 262144 blocks", INPUT_BYTES, () => {
    let found = 0;
    scanner.start(input, 0, INPUT_BYTES);
    while (scanner.next()) {
      const { position } = scanner;
      const strongOf = (): bigint => hash64.hash(input.subarray(position, position + 64));
      if (index.find(scanner.weakHash, strongOf) >= 0) found++;
    }
    return found;
  });
  // Everything matches: each block is found at once and skipped.
  const whole = new BlockIndex(await buildSignature(input, { blockBytes: 1024 }));
  const skipper = await createScanner(1024);
  skipper.setFilter(whole.weakHashes);
  await time("scan and look-up where every block of 1024 matches", INPUT_BYTES, () => {
    let next = 0;
    let matched = 0;
    skipper.start(input, 0, INPUT_BYTES);
    while (skipper.next()) {
      const { position } = skipper;
      const strongOf = (): bigint => hash64.hash(input.subarray(position, position + 1024));
      const block = whole.find(skipper.weakHash, strongOf, next);
      if (block < 0) continue;
      next = block + 1;
      matched++;
      skipper.skipTo(position + 1024);
    }
    equal(matched, INPUT_BYTES / 1024);
  });
}

// Match extension.
equal(core.matchForward(input, 0, copy, 0), INPUT_BYTES);
await time("match forward", INPUT_BYTES, () => core.matchForward(input, 0, copy, 0));
await time("match forward, reference", REFERENCE_BYTES, () => reference.matchForward(part, 0, copy, 0));
await time("match backward", INPUT_BYTES, () => core.matchBackward(input, INPUT_BYTES, copy, INPUT_BYTES));
await time("match forward, 64 bytes at a time", INPUT_BYTES, () => {
  let equalBytes = 0;
  for (let at = 0; at < INPUT_BYTES; at += 64) equalBytes += core.matchForward(input, at, copy, at, 64);
  return equalBytes;
});

// Residuals.
await time("add residual", INPUT_BYTES, () => core.addInto(input, copy, output));
await time("add residual, reference", REFERENCE_BYTES, () =>
  reference.addInto(part, part, output.subarray(0, REFERENCE_BYTES)),
);
await time("subtract basis", INPUT_BYTES, () => core.subtractInto(input, copy, output));

// Runs.
equal(findRun(input, 0, INPUT_BYTES, 32), undefined);
await time("find run of 32 where there is none", INPUT_BYTES, () => findRun(input, 0, INPUT_BYTES, 32));
await time("find run of 32 where there is none, reference", REFERENCE_BYTES, () =>
  reference.findRun(part, 0, REFERENCE_BYTES, 32),
);
const zeros = new Uint8Array(INPUT_BYTES);
await time("find run where all bytes are zero", INPUT_BYTES, () => findRun(zeros, 0, INPUT_BYTES, 32));

if (values.json) {
  const machine = { processor: cpus()[0]?.model ?? "unknown", node: process.version };
  console.log(JSON.stringify({ machine, inputBytes: INPUT_BYTES, rows }, undefined, 2));
}
