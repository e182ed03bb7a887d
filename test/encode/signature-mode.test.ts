import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyDelta } from "../../src/apply/index.ts";
import { concatBytes } from "../../src/bytes/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { buildSignature } from "../../src/signature/index.ts";
import { makeBytes, pairArbitrary } from "../support/pairs.ts";

async function roundTrip(basis: Uint8Array, target: Uint8Array, blockBytes?: number) {
  const signature = await buildSignature(basis, { blockBytes });
  const delta = memorySink();
  const stats = await createDelta(signature, memorySource(target), delta, { codec: "deflate", level: 1 });
  const patched = memorySink();
  await applyDelta(memorySource(basis), delta.bytes(), patched);
  assert.deepEqual(Buffer.from(patched.bytes()), Buffer.from(target));
  return stats;
}

test("a delta from a signature alone makes the target", async () => {
  await fc.assert(
    fc.asyncProperty(
      pairArbitrary,
      fc.integer({ min: 16, max: 2000 }),
      async ({ basis, target }, blockBytes) => {
        await roundTrip(basis, target, blockBytes);
      },
    ),
    { numRuns: 80 },
  );
});

test("blocks are found at any offset, in order, moved and repeated", async () => {
  const basis = makeBytes(64 * 1024, 1);
  const target = concatBytes([
    basis.subarray(40_960, 50_000),
    Uint8Array.of(1, 2, 3),
    basis,
    basis.subarray(0, 10_240),
  ]);
  const stats = await roundTrip(basis, target, 1024);
  assert.ok(stats.literalBytes < 2 * 1024 + 3, `${stats.literalBytes} literal bytes`);
});

test("the short last block is found at the target's end", async () => {
  const basis = makeBytes(10_000, 2); // nine blocks of 1,024 and one of 784
  const stats = await roundTrip(basis, concatBytes([makeBytes(50, 3), basis]), 1024);
  assert.equal(stats.literalBytes, 50);
  assert.equal((await roundTrip(basis.subarray(0, 784), basis.subarray(0, 784), 1024)).literalBytes, 0);
});

test("blocks across the borders of the scan's buffer are found", async () => {
  const block = makeBytes(3000, 4);
  const filler = makeBytes(1 << 22, 5);
  for (const at of [(1 << 22) - 3000, (1 << 22) - 1500, (1 << 22) - 1]) {
    const target = concatBytes([filler.subarray(0, at), block, filler.subarray(at, at + 5000)]);
    const stats = await roundTrip(block, target, 500);
    assert.equal(stats.copiedBytes, 3000);
  }
});

test("the delta refuses any other basis than the one that was signed", async () => {
  const basis = makeBytes(5000, 6);
  const delta = memorySink();
  await createDelta(await buildSignature(basis), memorySource(makeBytes(5000, 7)), delta);
  const other = memorySource(basis.with(4999, basis[4999]! ^ 1));
  await assert.rejects(applyDelta(other, delta.bytes(), memorySink()), { code: ErrorCode.BASIS_MISMATCH });
});
