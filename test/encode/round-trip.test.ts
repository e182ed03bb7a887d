import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyDelta } from "../../src/apply/index.ts";
import { getCodec } from "../../src/codec/index.ts";
import { getZlib } from "../../src/codec/zlib-segments.ts";
import { inspectDelta } from "../../src/delta/index.ts";
import { type CreateDeltaOptions, createDelta, DELTA_CODECS } from "../../src/encode/index.ts";
import { sha256 } from "../../src/hash/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { applyEdit, inPieces, makeBytes, pairArbitrary } from "../support/pairs.ts";

async function makeDelta(basis: Uint8Array, target: Uint8Array, options?: CreateDeltaOptions) {
  const sink = memorySink();
  const stats = await createDelta(memorySource(basis), memorySource(target), sink, options);
  return { delta: sink.bytes(), stats };
}

async function patch(basis: Uint8Array, delta: Uint8Array, pieceBytes = 1000) {
  const sink = memorySink();
  const result = await applyDelta(memorySource(basis), inPieces(delta, pieceBytes), sink);
  return { target: sink.bytes(), result };
}

const available = DELTA_CODECS.filter(
  (name) => name !== "zstd" || getZlib()?.createZstdCompress !== undefined,
);

// These clear some megabytes for each stream, to encode it and to decode it.
const SLOW_CODECS: ReadonlySet<string> = new Set(["mix", "lz"]);
const caseCount = Number(process.env.FLATDELTA_CASES ?? 60);

for (const codec of available) {
  test(`${codec}: applying a delta gives the target, and both sides count alike`, async () => {
    await fc.assert(
      fc.asyncProperty(pairArbitrary, async ({ basis, target }) => {
        const { delta, stats } = await makeDelta(basis, target, { codec, level: 3 });
        const patched = await patch(basis, delta);
        assert.deepEqual(Buffer.from(patched.target), Buffer.from(target));
        assert.deepEqual(patched.result.targetSha256, sha256(target));
        assert.equal(stats.deltaBytes, delta.length);
        assert.equal(
          stats.copiedBytes + stats.diffBytes + stats.literalBytes + stats.runBytes,
          target.length,
        );
        const { opCount, copiedBytes, diffBytes, literalBytes, runBytes, touchedBytes, headerBytes } = stats;
        const info = await inspectDelta(delta);
        for (const side of [patched.result, info]) {
          assert.deepEqual(
            { opCount, copiedBytes, diffBytes, literalBytes, runBytes, touchedBytes, headerBytes },
            {
              opCount: side.opCount,
              copiedBytes: side.copiedBytes,
              diffBytes: side.diffBytes,
              literalBytes: side.literalBytes,
              runBytes: side.runBytes,
              touchedBytes: side.touchedBytes,
              headerBytes: side.headerBytes,
            },
          );
        }
      }),
      { numRuns: SLOW_CODECS.has(codec) ? Math.ceil(caseCount / 3) : caseCount },
    );
  });
}

test("windows and segments of any size give the same target", async () => {
  await fc.assert(
    fc.asyncProperty(
      pairArbitrary,
      fc.integer({ min: 1, max: 70_000 }),
      fc.integer({ min: 64, max: 5000 }),
      async ({ basis, target }, windowBytes, segmentBytes) => {
        // As many windows or segments as the target has bytes would only test patience.
        const bounds = {
          windowBytes: Math.max(windowBytes, target.length >> 7),
          segmentBytes: Math.max(segmentBytes, target.length >> 8),
        };
        const { delta } = await makeDelta(basis, target, { codec: "deflate", level: 1, ...bounds });
        assert.deepEqual(Buffer.from((await patch(basis, delta)).target), Buffer.from(target));
        const info = await inspectDelta(delta);
        assert.ok(info.windowCount >= Math.ceil(target.length / bounds.windowBytes));
      },
    ),
    { numRuns: caseCount },
  );
});

test("a delta may arrive in pieces of any size", async () => {
  const basis = makeBytes(5000, 1);
  const target = applyEdit(basis, { kind: "sprinkle", at: 100, length: 3000, step: 7 });
  const { delta } = await makeDelta(basis, target);
  for (const pieceBytes of [1, 2, 3, 7, 15, 100, 10_000]) {
    assert.deepEqual(Buffer.from((await patch(basis, delta, pieceBytes)).target), Buffer.from(target));
  }
});

test("the same inputs give the same bytes", async () => {
  const basis = makeBytes(50_000, 2);
  const target = applyEdit(basis, { kind: "move", at: 10_000, length: 9000, to: 3000 });
  const [a, b] = await Promise.all([makeDelta(basis, target), makeDelta(basis, target)]);
  assert.deepEqual(a.delta, b.delta);
});

test("what moved, and what changed here and there, costs little", async () => {
  const basis = makeBytes(200_000, 3);
  const moved = applyEdit(basis, { kind: "move", at: 150_000, length: 30_000, to: 10_000 });
  const target = applyEdit(moved, { kind: "sprinkle", at: 60_000, length: 4000, step: 40 });
  const { delta, stats } = await makeDelta(basis, target);
  assert.ok(stats.literalBytes < 100, `${stats.literalBytes} bytes of data`);
  assert.ok(delta.length < 500, `${delta.length} bytes of delta`);
});

test("a file of zeros costs next to nothing", async () => {
  const { delta, stats } = await makeDelta(new Uint8Array(0), new Uint8Array(50_000_000));
  assert.equal(stats.runBytes, 50_000_000);
  assert.ok(delta.length < 300);
});

test("unrelated inputs cost no more than the target compressed alone", async () => {
  const basis = makeBytes(300_000, 4);
  const target = makeBytes(300_000, 5);
  for (const codec of available) {
    // What codes the literals of each kind of delta.
    const literals = { fast: "brotli", mix: "lz" } as const;
    const encoder = getCodec(codec === "fast" || codec === "mix" ? literals[codec] : codec).createEncoder({
      effort: 7,
      windowBits: 24,
    });
    const alone = (await encoder.encode(target)).length;
    encoder.close();
    const { delta } = await makeDelta(basis, target, { codec, level: 6 });
    assert.ok(delta.length <= alone * 1.001 + 1024, `${codec}: ${delta.length} against ${alone}`);
  }
});

test("every level makes the target, and the same bytes each time", async () => {
  const basis = makeBytes(400_000, 21);
  const target = basis.map((byte, i) => (i % 90 === 0 ? byte + 3 : byte));
  for (let level = 1; level <= 9; level++) {
    const { delta } = await makeDelta(basis, target, { level });
    assert.deepEqual((await makeDelta(basis, target, { level })).delta, delta);
    assert.deepEqual(Buffer.from((await patch(basis, delta, 50_000)).target), Buffer.from(target));
  }
  for (const level of [0, 10, 1.5, Number.NaN]) {
    await assert.rejects(makeDelta(basis, target, { level }), /level: expected a whole number from 1 to 9/);
  }
});

test("metadata travels with the delta", async () => {
  const metadata = { "basis.reference": "app:1", "target.reference": "app:2 – ünïcode" };
  const { delta } = await makeDelta(Uint8Array.of(1), Uint8Array.of(2), { metadata });
  assert.deepEqual((await inspectDelta(delta)).metadata, metadata);
});

test("codec mix splits residuals into segments that it can code", async () => {
  const basis = makeBytes(2_500_000, 12);
  const target = basis.map((byte, i) => (i % 40 === 0 ? byte + 1 : byte));
  const { delta } = await makeDelta(basis, target, { codec: "mix", level: 1, segmentBytes: 1 << 24 });
  assert.deepEqual(Buffer.from((await patch(basis, delta, 50_000)).target), Buffer.from(target));
});
