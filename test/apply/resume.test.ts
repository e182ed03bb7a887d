/** A run that broke off is continued: what is there is taken over as far as it is right. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { createDelta, type DeltaCodec } from "../../src/encode/index.ts";
import { memorySink, memorySource, type ResumableSink } from "../../src/io/index.ts";
import { createResumableFile } from "../../src/io/node.ts";
import { makePairs } from "./in-place-pairs.ts";

const pair = [...makePairs(2, 9, 24_000)][1]!;
const basis = memorySource(pair.basis);
const target = Buffer.concat([Buffer.from("some words, and again some words. ".repeat(300)), pair.target]);

async function makeDelta(codec: DeltaCodec): Promise<Uint8Array> {
  const sink = memorySink();
  await createDelta(basis, memorySource(target), sink, { codec, windowBytes: 8192, segmentBytes: 4096 });
  return sink.bytes();
}

/** A sink over what an earlier run has left, and a count of what is written to it. */
function resumableSink(existing: Uint8Array): ResumableSink & { bytes(): Buffer; writtenBytes: number } {
  let kept = Buffer.from(existing);
  const sink = {
    existing: memorySource(existing),
    writtenBytes: 0,
    continueAt: async (offset: number) => {
      kept = kept.subarray(0, offset);
    },
    write: async (bytes: Uint8Array) => {
      sink.writtenBytes += bytes.length;
      kept = Buffer.concat([kept, bytes]);
    },
    bytes: () => kept,
  };
  return sink;
}

describe("a target that was made in part", () => {
  for (const codec of ["mix", "fast", "none"] as const) {
    test(`is completed, wherever it ends, codec ${codec}`, async () => {
      const delta = await makeDelta(codec);
      for (let length = 0; length <= target.length + 100; length += 5003) {
        const sink = resumableSink(Buffer.concat([target, Buffer.alloc(200)]).subarray(0, length));
        const { reusedBytes } = await applyDelta(basis, delta, sink);
        assert.ok(sink.bytes().equals(target), `${length} bytes were there`);
        assert.ok(reusedBytes > Math.min(length, target.length) - 8192 && reusedBytes <= length);
        assert.equal(sink.writtenBytes, target.length - reusedBytes);
      }
    });
  }

  test("is made anew from the first window that is not right", async () => {
    const delta = await makeDelta("mix");
    for (const wrong of [0, 8191, 8192, 30_000, target.length - 1]) {
      const existing = Uint8Array.from(target);
      existing[wrong]! ^= 8;
      const sink = resumableSink(existing);
      const { reusedBytes } = await applyDelta(basis, delta, sink);
      assert.ok(sink.bytes().equals(target));
      assert.ok(reusedBytes <= wrong && reusedBytes > wrong - 8192);
    }
  });

  test("is in a file that has its name only when it is whole", async () => {
    const folder = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
    try {
      const path = join(folder, "target");
      const delta = await makeDelta("mix");
      const first = await createResumableFile(path);
      await assert.rejects(applyDelta(basis, delta.subarray(0, delta.length / 2), first), {
        code: "TRUNCATED",
      });
      await first.keep();
      assert.deepEqual(await readdir(folder), [".target.part"]);
      const second = await createResumableFile(path);
      await applyDelta(basis, delta, second);
      await second.commit();
      assert.deepEqual(await readdir(folder), ["target"]);
      assert.ok((await readFile(path)).equals(target));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
