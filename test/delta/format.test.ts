import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { fromHex, toHex } from "../../src/bytes/index.ts";
import { inspectDelta } from "../../src/delta/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";

const line = "the quick brown fox jumps over the lazy dog\n";
const basis = new TextEncoder().encode(line + line);
const target = new TextEncoder().encode(line.replace("fox", "cat") + line.replace("\n", "!\n"));

/** The bytes of the example in FORMAT.md: the hexadecimal pairs at the beginning of each line. */
async function readExample(): Promise<Uint8Array> {
  const page = await readFile(new URL("../../src/delta/FORMAT.md", import.meta.url), "utf8");
  const block = /```hex\n([\s\S]*?)```/.exec(page)![1]!;
  const pairs = block.split("\n").map((row) => /^(?:[0-9a-f]{2}(?: |$))*/.exec(row)![0]);
  return fromHex(pairs.join("").replaceAll(" ", ""));
}

test("the example of the format's page makes its target", async () => {
  const example = await readExample();
  const sink = memorySink();
  await applyDelta(memorySource(basis), example, sink);
  assert.deepEqual(sink.bytes(), target);
  const info = await inspectDelta(example);
  assert.equal(info.targetForm, "plain");
  assert.deepEqual(info.metadata, { to: "2" });
  assert.deepEqual([info.opCount, info.copiedBytes, info.diffBytes, info.literalBytes], [4, 84, 3, 2]);
});

test("the example is what the encoder makes", async () => {
  const sink = memorySink();
  await createDelta(memorySource(basis), memorySource(target), sink, {
    codec: "none",
    metadata: { to: "2" },
    inPlace: false,
  });
  assert.equal(toHex(sink.bytes()), toHex(await readExample()));
});
