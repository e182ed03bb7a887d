/** What of the target is read again to write the delta. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { memorySink, memorySource, type Source } from "../../src/io/index.ts";
import { noise } from "../codec/mix-data.ts";

const MIB = 2 ** 20;

function makeBytes(length: number, seed: number): Uint8Array {
  const next = noise(seed);
  return Uint8Array.from({ length }, () => next() >>> 24);
}

/** A source that counts what is read of it. */
function countedSource(bytes: Uint8Array): { source: Source; bytesRead: () => number } {
  const inner = memorySource(bytes);
  let count = 0;
  return {
    source: {
      size: inner.size,
      read: async (offset, into) => {
        count += into.length;
        await inner.read(offset, into);
      },
    },
    bytesRead: () => count,
  };
}

test("of a target in one window, copies are read once", async () => {
  const old = makeBytes(6 * MIB, 1);
  const edited = new Uint8Array([
    ...old.subarray(0, 2 * MIB),
    ...makeBytes(3000, 2),
    ...old.subarray(2 * MIB),
  ]);
  for (const [target, most] of [
    [edited, 0.1],
    [old, 0.01],
    [old.subarray(MIB / 2), 0.01],
  ] as const) {
    const { source, bytesRead } = countedSource(target);
    const sink = memorySink();
    const stats = await createDelta(memorySource(old), source, sink, { level: 1 });
    assert.equal(stats.windowCount, 1);
    // Once for the digest, once to match it.
    assert.ok(bytesRead() < (2 + most) * target.length, `${bytesRead()} of ${target.length} bytes`);
    const out = memorySink();
    await applyDelta(memorySource(old), sink.bytes(), out);
    assert.ok(Buffer.from(out.bytes()).equals(Buffer.from(target)));
  }
});

test("of a target in several windows all is read once more, for their checksums", async () => {
  const old = makeBytes(3 * MIB, 3);
  const target = new Uint8Array([...old, ...makeBytes(5000, 4)]);
  const { source, bytesRead } = countedSource(target);
  const sink = memorySink();
  const stats = await createDelta(memorySource(old), source, sink, { level: 1, segmentBytes: 4096 });
  assert.ok(stats.windowCount > 1);
  assert.ok(bytesRead() >= 3 * target.length);
  const out = memorySink();
  await applyDelta(memorySource(old), sink.bytes(), out);
  assert.ok(Buffer.from(out.bytes()).equals(Buffer.from(target)));
});
