import assert from "node:assert/strict";
import { test } from "node:test";
import { applyOpened } from "../../src/apply/apply.ts";
import { applyDelta } from "../../src/apply/index.ts";
import { concatBytes } from "../../src/bytes/index.ts";
import { DeltaReader, inspectDelta } from "../../src/delta/index.ts";
import { createDelta, type DeltaCodec } from "../../src/encode/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { sha256 } from "../../src/hash/index.ts";
import { countingSink, memorySink, memorySource } from "../../src/io/index.ts";
import { applyEdit, makeBytes } from "../support/pairs.ts";

// Small, for each byte of the delta is damaged by itself; yet there are ops of each kind, over three windows.
const basis = makeBytes(1000, 7);
const target = concatBytes([
  applyEdit(basis, { kind: "sprinkle", at: 250, length: 100, step: 5 }),
  makeBytes(60, 8),
  new Uint8Array(20_000),
]);

async function makeDelta(codec: DeltaCodec): Promise<Uint8Array> {
  const sink = memorySink();
  const metadata = { key: "value" };
  await createDelta(memorySource(basis), memorySource(target), sink, { codec, metadata, windowBytes: 9000 });
  return sink.bytes();
}

/** Applying gives a coded error, or the exact target. Tells which. */
async function applyOrFail(delta: Uint8Array): Promise<string> {
  const sink = memorySink();
  try {
    await applyDelta(memorySource(basis), delta, sink);
  } catch (error) {
    assert.ok(isFlatdeltaError(error), `expected a coded error, got ${error}`);
    return error.code;
  }
  assert.deepEqual(Buffer.from(sink.bytes()), Buffer.from(target));
  return "exact";
}

for (const codec of ["none", "deflate", "fast", "mix"] as const) {
  test(`${codec}: every flipped bit is refused by code, with and without the basis`, async () => {
    const delta = await makeDelta(codec);
    assert.equal(await applyOrFail(delta), "exact");
    for (let i = 0; i < delta.length; i++) {
      for (const bit of [1, 16, 128]) {
        const damaged = delta.slice();
        damaged[i]! ^= bit;
        assert.notEqual(await applyOrFail(damaged), "exact", `byte ${i}`);
        await assert.rejects(inspectDelta(damaged), isFlatdeltaError, `byte ${i}`);
      }
    }
  });

  test(`${codec}: every truncation is refused as such, and so are trailing bytes`, async () => {
    const delta = await makeDelta(codec);
    for (let length = 0; length < delta.length; length++) {
      assert.equal(await applyOrFail(delta.subarray(0, length)), ErrorCode.TRUNCATED, `length ${length}`);
    }
    assert.equal(await applyOrFail(concatBytes([delta, Uint8Array.of(0)])), ErrorCode.TRAILING_DATA);
  });
}

test("a wrong basis is refused before the first byte is written", async () => {
  const delta = await makeDelta("brotli");
  for (const wrong of [basis.subarray(1), new Uint8Array(0), basis.with(500, basis[500]! ^ 1), target]) {
    const sink = countingSink();
    await assert.rejects(applyDelta(memorySource(wrong), delta, sink), { code: ErrorCode.BASIS_MISMATCH });
    assert.equal(sink.bytesWritten, 0);
  }
});

for (const codec of ["mix", "brotli"] as const) {
  test(`${codec}: hashed while the target is made, a wrong basis is refused as one`, async () => {
    const delta = await makeDelta(codec);
    const apply = async (bytes: Uint8Array, from = delta, digestBasis = async () => sha256(bytes)) =>
      applyOpened(memorySource(bytes), await DeltaReader.open(from), memorySink(), {}, { digestBasis });
    assert.deepEqual((await apply(basis)).targetSha256, sha256(target));
    for (let at = 0; at < basis.length; at += 7) {
      const wrong = basis.with(at, basis[at]! ^ 0x20);
      await assert.rejects(apply(wrong), { code: ErrorCode.BASIS_MISMATCH }, `byte ${at}`);
    }
    await assert.rejects(apply(basis.subarray(1)), { code: ErrorCode.BASIS_MISMATCH });
    // With the right basis it is the delta that is damaged.
    const damaged = delta.with(delta.length - 20, delta.at(-20)! ^ 1);
    const isOther = (error: unknown) => isFlatdeltaError(error) && error.code !== ErrorCode.BASIS_MISMATCH;
    await assert.rejects(apply(basis, damaged), isOther);
    const lost = new Error("unplugged");
    await assert.rejects(
      apply(basis.with(0, 1), delta, () => Promise.reject(lost)),
      lost,
    );
  });
}

test("what a delta asks for is held against the limits before anything else", async () => {
  const delta = await makeDelta("brotli");
  const refuse = async (limits: Record<string, number>, code: string): Promise<void> => {
    const sink = countingSink();
    await assert.rejects(applyDelta(memorySource(basis), delta, sink, { limits }), { code });
    assert.equal(sink.bytesWritten, 0);
  };
  await refuse({ targetBytes: target.length - 1 }, ErrorCode.SIZE_LIMIT);
  await refuse({ windowBytes: 16_383 }, ErrorCode.SIZE_LIMIT);
  await refuse({ segmentBytes: 1000 }, ErrorCode.MEMORY_LIMIT);
  await refuse({ decoderMemoryBytes: 1000 }, ErrorCode.MEMORY_LIMIT);
});

test("a failing sink, a failing delta and an abort reject with their own reasons", async () => {
  const delta = await makeDelta("brotli");
  const full = new Error("disk full");
  await assert.rejects(
    applyDelta(memorySource(basis), delta, {
      write: async () => {
        throw full;
      },
    }),
    full,
  );
  const lost = new Error("connection lost");
  const broken = (async function* () {
    yield delta.subarray(0, delta.length >> 1);
    throw lost;
  })();
  await assert.rejects(applyDelta(memorySource(basis), broken, memorySink()), lost);
  const stop = new Error("stop");
  await assert.rejects(
    applyDelta(memorySource(basis), delta, memorySink(), { signal: AbortSignal.abort(stop) }),
    stop,
  );
});
