import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { toHex } from "../../src/bytes/index.ts";
import { type CreateDeltaOptions, createDelta, type PairMatching } from "../../src/encode/index.ts";
import { createWorkerPool } from "../../src/encode/node.ts";
import { startPairThread } from "../../src/encode/start-pair-thread.ts";
import { ThreadPool } from "../../src/encode/thread-pool.ts";
import { hashWholeSource } from "../../src/encode/whole-hashing.ts";
import { inlineWorkers } from "../../src/encode/workers.ts";
import { sha256 } from "../../src/hash/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { type FileSource, openFileSource } from "../../src/io/node.ts";
import { type MatchColumns, matchPair } from "../../src/match/index.ts";
import { indexFiles } from "../support/indexed.ts";
import { applyEdit, makeBytes } from "../support/pairs.ts";

/** Two versions of many files: most changed, some moved, renamed, new or gone, of very different sizes. */
function makeFiles(): { old: Map<string, Uint8Array>; wanted: Map<string, Uint8Array> } {
  const old = new Map<string, Uint8Array>();
  const wanted = new Map<string, Uint8Array>();
  for (let i = 0; i < 60; i++) {
    const content = makeBytes(i % 7 === 0 ? 150_000 + 1000 * i : 300 * i, i + 1);
    const edited = applyEdit(
      applyEdit(content, { kind: "sprinkle", at: 10 * i, length: 40_000, step: 9 + i }),
      { kind: "move", at: 5000, length: 3000, to: 60_000 },
    );
    if (i % 11 !== 3) old.set(`files/${i}-1.0`, content);
    if (i % 13 !== 5)
      wanted.set(i % 5 === 0 ? `files/${i}-1.1` : `files/${i}-1.0`, i % 4 === 0 ? content : edited);
  }
  wanted.set("moved/copy", old.get("files/7-1.0")!);
  return { old, wanted };
}

const { old, wanted } = makeFiles();

async function makeDelta(options: CreateDeltaOptions): Promise<Uint8Array> {
  const sink = memorySink();
  await createDelta(await indexFiles(old), await indexFiles(wanted), sink, { level: 1, ...options });
  return sink.bytes();
}

const pools: { close(): Promise<void> }[] = [];
after(() => Promise.all(pools.map((pool) => pool.close())));
function open<Pool extends { close(): Promise<void> }>(pool: Pool): Pool {
  pools.push(pool);
  return pool;
}

/** Starts threads that run `code` for every task. */
const starter = (code: string) => {
  const exits: Promise<number>[] = [];
  const start = () => {
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads"); parentPort.on("message", () => { ${code} });`,
      { eval: true },
    );
    exits.push(new Promise((resolve) => worker.once("exit", resolve)));
    return worker;
  };
  return { start, exits };
};

/** A pool of one thread that runs `code` for every pair. */
const poolOf = (code: string, threads = 1) => {
  const { start, exits } = starter(code);
  return { pool: open(new ThreadPool(threads, start)), exits };
};

const large = (seed: number) => makeBytes(600_000, seed);

/** Match all of two arrays. */
const matchIn = (
  pool: PairMatching,
  target: Uint8Array,
  basis: Uint8Array,
  signal?: AbortSignal,
): Promise<MatchColumns> =>
  pool.match(
    { target: memorySource(target), basis: memorySource(basis) },
    [{ target: { offset: 0, bytes: target.length }, basis: [{ offset: 0, bytes: basis.length }] }],
    signal,
  );

test("context mixing gives the same bytes with any number of workers, on every machine", async () => {
  for (const workers of [0, 1, 2, 4]) {
    const delta = await makeDelta({ level: 4, workers: open(createWorkerPool(workers)) });
    assert.equal(
      toHex(sha256(delta)),
      "bdfaeaaa8e085a23b00cb12d1c02b0f19af6ac61a520949f867c8176763ab24a",
      `${workers} workers`,
    );
  }
});

test("the delta is the same bytes with any number of workers", async () => {
  const inline = await makeDelta({});
  for (const workers of [0, 1, 2, 4]) {
    const pool = open(createWorkerPool(workers));
    assert.deepEqual(await makeDelta({ workers: pool }), inline, `${workers} workers`);
  }
});

test("residuals that a thread codes are the same bytes too", async () => {
  const pool = open(createWorkerPool(1));
  assert.deepEqual(await makeDelta({ workers: pool, codec: "mix" }), await makeDelta({ codec: "mix" }));
});

test("two plain files are matched by a worker too", async () => {
  const [basis, target] = [large(1), applyEdit(large(1), { kind: "remove", at: 70, length: 11 })];
  const deltas = [];
  for (const workers of [undefined, open(createWorkerPool(1))]) {
    const sink = memorySink();
    await createDelta(memorySource(basis), memorySource(target), sink, { workers });
    deltas.push(sink.bytes());
  }
  assert.deepEqual(deltas[0], deltas[1]);
});

test("a pool finds what is found without it, for pairs at the same time", async () => {
  const pool = open(createWorkerPool(2));
  const inside = makeBytes(300_000, 20);
  const pairs = [1, 2, 3, 4, 5].map((seed) => [large(seed), inside.subarray(seed, 200_000)] as const);
  const expected = await Promise.all(pairs.map(([target, basis]) => matchPair(target, basis)));
  assert.deepEqual(
    await Promise.all(pairs.map(([target, basis]) => matchIn(pool.pairMatching, target, basis))),
    expected,
  );
});

test("threads read files themselves, and find, hash and sketch the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-pool-"));
  const { pairMatching, rangeHashing, sketching } = open(createWorkerPool(2));
  const bytes = { target: makeBytes(5_000_000, 1), basis: makeBytes(3_000_000, 2) };
  bytes.target.set(bytes.basis.subarray(1000, 2_000_000), 70_001);
  const files: FileSource[] = [];
  try {
    for (const name of ["target", "basis"] as const) {
      await writeFile(join(folder, name), bytes[name]);
      files.push(await openFileSource(join(folder, name)));
    }
    const [target, basis] = files as [FileSource, FileSource];
    const pairs = [
      { target: { offset: 70_000, bytes: 90_000 }, basis: [{ offset: 500, bytes: 200_000 }] },
      {
        target: { offset: 1_000_000, bytes: 900_000 },
        basis: [
          { offset: 1_500_000, bytes: 600_000 },
          { offset: 10, bytes: 1_200_000 },
        ],
      },
    ];
    const inMemory = { target: memorySource(bytes.target), basis: memorySource(bytes.basis) };
    const expected = await inlineWorkers.pairMatching.match(inMemory, pairs);
    assert.ok(expected.lengths.length >= 3);
    assert.deepEqual(await pairMatching.match({ target, basis }, pairs), expected);
    assert.deepEqual(await pairMatching.match(inMemory, pairs), expected);
    const range = { offset: 123_456, length: 4_000_000 };
    assert.equal(
      await rangeHashing.hash64(target, range),
      await inlineWorkers.rangeHashing.hash64(inMemory.target, range),
    );
    const ranges = [0, 1, 2, 3, 4].map((i) => ({ offset: i * 1_000_000, length: 999_999 - i }));
    assert.deepEqual(
      await sketching.sketch(target, ranges),
      await inlineWorkers.sketching.sketch(inMemory.target, ranges),
    );
  } finally {
    for (const file of files) await file.close();
    await rm(folder, { recursive: true });
  }
});

test("threads hash whole files where that is worth a thread, and say when they cannot", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-pool-"));
  const { wholeHashing } = open(createWorkerPool(2));
  const bytes = makeBytes(1 << 25, 3);
  await writeFile(join(folder, "large"), bytes);
  const large = await openFileSource(join(folder, "large"));
  try {
    const { xxh64 } = await hashWholeSource(memorySource(bytes), {});
    const reading = wholeHashing.hashWhole(large, {});
    assert.equal(wholeHashing.hashWhole(large, {}), undefined, "the calling thread reads another meanwhile");
    assert.deepEqual(await reading, { sha256: sha256(bytes), xxh64, tar: undefined });
    assert.equal(wholeHashing.hashWhole({ ...large, size: (1 << 25) - 1 }, {}), undefined, "small");
    assert.equal(wholeHashing.hashWhole(memorySource(bytes), {}), undefined, "no file");
    const longer = { ...large, size: bytes.length + 1 };
    await assert.rejects(async () => wholeHashing.hashWhole(longer, {}), { code: "WORKER_FAILED" });
    const aborted = AbortSignal.abort(new Error("enough"));
    await assert.rejects(async () => wholeHashing.hashWhole(large, {}, aborted), /enough/);
    assert.deepEqual((await wholeHashing.hashWhole(large, {}))?.sha256, sha256(bytes), "goes on");
  } finally {
    await large.close();
    await rm(folder, { recursive: true });
  }
});

test("the pairs of a delta are matched by as many threads as there may be", async () => {
  let started = 0;
  const start = () => {
    started++;
    return startPairThread();
  };
  await makeDelta({ workers: { pairMatching: open(new ThreadPool(2, start)) } });
  assert.equal(started, 2);
});

test("the calling thread matches what no other has taken", async () => {
  const { exits, start } = starter("for (;;);");
  const pool = open(new ThreadPool(1, start, true));
  assert.equal(pool.concurrency, 2);
  const stuck = matchIn(pool, large(1), large(2));
  const rejected = assert.rejects(stuck, /pool that is open/);
  for (const seed of [3, 4]) {
    const [target, basis] = [large(seed), large(seed).subarray(1000)];
    assert.deepEqual(await matchIn(pool, target, basis), await matchPair(target, basis));
  }
  await pool.close();
  await rejected;
  assert.equal((await Promise.all(exits)).length, 1);
});

test("what a thread has not begun when it ends is matched all the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-pool-"));
  const { start } = starter("process.exit(3);");
  let isFirst = true;
  const pool = open(
    new ThreadPool(
      1,
      () => {
        if (!isFirst) return startPairThread();
        isFirst = false;
        return start();
      },
      true,
    ),
  );
  const [target, basis] = [large(1), large(1).subarray(1000)];
  await writeFile(join(folder, "target"), target);
  await writeFile(join(folder, "basis"), basis);
  const sources = {
    target: await openFileSource(join(folder, "target")),
    basis: await openFileSource(join(folder, "basis")),
  };
  try {
    const pair = { target: { offset: 0, bytes: target.length }, basis: [{ offset: 0, bytes: basis.length }] };
    const [first, ...others] = Array.from({ length: 4 }, () => pool.match(sources, [pair]));
    await assert.rejects(first!, { code: "WORKER_FAILED" });
    const expected = await matchPair(target, basis);
    for (const found of await Promise.all(others)) assert.deepEqual(found, expected);
  } finally {
    for (const file of Object.values(sources)) await file.close();
    await rm(folder, { recursive: true });
  }
});

test("a thread is sent the largest pair ahead, and the calling thread takes the smallest", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-pool-"));
  const { start } = starter("for (;;);");
  const pool = open(new ThreadPool(1, start, true));
  await writeFile(join(folder, "file"), large(1));
  const file = await openFileSource(join(folder, "file"));
  const matched: number[] = [];
  const match = async (bytes: number): Promise<void> => {
    const range = { offset: 0, bytes };
    await pool.match({ target: file, basis: file }, [{ target: range, basis: [range] }]);
    matched.push(bytes);
  };
  try {
    const expectStuck = (bytes: number) => assert.rejects(match(bytes), /pool that is open/);
    // The thread never ends with the first; of the others the largest is sent to it.
    const stuck = [expectStuck(600_000)];
    await new Promise((resolve) => setImmediate(resolve));
    stuck.push(expectStuck(500_000));
    await Promise.all([300_000, 400_000, 200_000].map(match));
    assert.deepEqual(matched, [200_000, 300_000, 400_000]);
    await pool.close();
    await Promise.all(stuck);
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
});

test("a thread answers in the order of its tasks, also while it loads what the first needs", async () => {
  const worker = startPairThread();
  const all = [large(1), makeBytes(100, 2), makeBytes(1000, 3)];
  const answers = new Promise<MatchColumns[]>((resolve) => {
    const found: MatchColumns[] = [];
    worker.on("message", (columns) => {
      if (found.push(columns) === all.length) resolve(found);
    });
  });
  for (const bytes of all) {
    const range = { offset: 0, bytes: bytes.length };
    const sent = { ranges: [range], bytes };
    worker.postMessage({
      kind: "pairs",
      target: sent,
      basis: sent,
      pairs: [{ target: range, basis: [range] }],
    });
  }
  const lengths = (await answers).map((columns) => [...columns.lengths]);
  assert.deepEqual(
    lengths,
    all.map((bytes) => [bytes.length]),
  );
  await worker.terminate();
});

test("a thread that was started before is the first of a pool, or ends", async () => {
  let started = 0;
  const pool = open(
    new ThreadPool(
      1,
      () => {
        started++;
        return startPairThread();
      },
      false,
      startPairThread(),
    ),
  );
  assert.deepEqual(await matchIn(pool, large(1), large(2)), await matchPair(large(1), large(2)));
  assert.equal(started, 0);
  const unused = startPairThread();
  const ended = once(unused, "exit");
  createWorkerPool(0, unused);
  await ended;
});

test("several threads share a large target, and find what one finds", async () => {
  const basis = makeBytes(300_000, 30);
  const target = new Uint8Array(34 << 20);
  for (let at = 0; at < target.length; at += basis.length + 77) {
    target.set(basis.subarray(0, target.length - at), at);
    target[at + 1000 + (at % 500)]! ^= 1;
  }
  const expected = await matchPair(target, basis);
  for (const workers of [1, 2, 3]) {
    const found = await matchIn(open(createWorkerPool(workers)).pairMatching, target, basis);
    assert.deepEqual(found, expected, `${workers} workers`);
  }
});

test("small pairs need no thread", async () => {
  const { pool, exits } = poolOf("process.exit(1);");
  const [target, basis] = [makeBytes(1000, 1), makeBytes(1000, 1)];
  assert.deepEqual(await matchIn(pool, target, basis), await matchPair(target, basis));
  assert.equal(exits.length, 0);
});

for (const [name, code, message] of [
  [
    "exits",
    "process.exit(3);",
    /expected a worker thread to match two files, it ended with exit code 3; .*fewer/,
  ],
  ["throws", "throw new RangeError('no room');", /it ended with an error: no room; /],
] as const) {
  test(`a worker that ${name} rejects the pair and the delta, and leaves no thread`, async () => {
    const { pool, exits } = poolOf(code, 2);
    await assert.rejects(matchIn(pool, large(1), large(2)), { code: "WORKER_FAILED", message });
    await assert.rejects(makeDelta({ workers: { pairMatching: pool } }), { code: "WORKER_FAILED", message });
    await Promise.all(exits);
    assert.ok(exits.length >= 2, "a new thread takes the place of one that ended");
  });
}

test("an abort in the middle of a pair rejects with its reason and ends the thread", async () => {
  const { pool, exits } = poolOf("for (;;);");
  const controller = new AbortController();
  const reason = new Error("enough");
  const busy = matchIn(pool, large(1), large(2), controller.signal);
  const waiting = matchIn(pool, large(3), large(4), controller.signal);
  setTimeout(() => controller.abort(reason), 50);
  await Promise.all([busy, waiting].map((pair) => assert.rejects(pair, reason)));
  await exits[0];
  assert.equal(exits.length, 1, "what waited was not started");
  await assert.rejects(matchIn(pool, large(1), large(2), controller.signal), reason);
});

test("an abort in the middle of a delta rejects with its reason", async () => {
  const { pool, exits } = poolOf("for (;;);", 2);
  const controller = new AbortController();
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 200);
  await assert.rejects(makeDelta({ workers: { pairMatching: pool }, signal: controller.signal }), reason);
  await Promise.all(exits);
});

test("however many pairs wait, a signal has one listener", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  try {
    const pool = open(createWorkerPool(1));
    const { signal } = new AbortController();
    const [target, basis] = [large(1), large(2)];
    await Promise.all(Array.from({ length: 30 }, () => matchIn(pool.pairMatching, target, basis, signal)));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(warnings, []);
    assert.ok(getEventListeners(signal, "abort").length <= 1);
  } finally {
    process.off("warning", onWarning);
  }
});

test("closing rejects what is not matched, and later pairs", async () => {
  const { pool, exits } = poolOf("for (;;);");
  const pairs = [matchIn(pool, large(1), large(2)), matchIn(pool, large(3), large(4))];
  const rejected = Promise.all(pairs.map((pair) => assert.rejects(pair, /pool that is open/)));
  await pool.close();
  await rejected;
  await Promise.all(exits);
  await assert.rejects(matchIn(pool, large(1), large(2)), /pool that is open/);
});

test("a pool that is left open keeps no process alive", () => {
  const door = new URL("../../src/encode/node.ts", import.meta.url);
  const program = `import { createWorkerPool } from ${JSON.stringify(door)};
    const whole = { offset: 0, bytes: 600000 };
    const read = async (offset, into) => {};
    const source = { size: 600000, read };
    const sources = { target: source, basis: source };
    const { lengths } = await createWorkerPool(1).pairMatching.match(sources, [{ target: whole, basis: [whole] }]);
    console.log(lengths[0]);`;
  const { stdout, status } = spawnSync(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), "--input-type=module", "--eval", program],
    { cwd: fileURLToPath(new URL("../..", import.meta.url)), encoding: "utf8", timeout: 60_000 },
  );
  assert.deepEqual([stdout, status], ["600000\n", 0]);
});

test("a wrong number of workers is refused", () => {
  for (const workers of [-1, 1.5, 257, Number.NaN]) {
    assert.throws(() => createWorkerPool(workers), /workers: expected a whole number from 0 to 256/);
  }
});
