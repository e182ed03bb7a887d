import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createLzDecoder, createLzEncoder } from "../../src/codec/lz/index.ts";
import { ReferenceDecoder } from "../../src/codec/lz/reference.ts";

const text = readFileSync(new URL("../../src/codec/lz/FORMAT.md", import.meta.url), "utf8");

/** The lines of bytes of the example. */
function readExample(): Uint8Array[] {
  const block = /<!-- example -->\n```\n([^`]*)```/u.exec(text)?.[1];
  assert.ok(block !== undefined, "the format has an example");
  const lines = block.trim().split("\n");
  return lines.map((line) =>
    Uint8Array.from(line.replace(/#.*/u, "").trim().split(/\s+/u), (byte) => Number.parseInt(byte, 16)),
  );
}

test("the example of the coded literals' format is what the coder makes", async () => {
  const [bytes, first, second, behindHistory] = readExample();
  const settings = { effort: 7, windowBits: 16 };
  const encoder = await createLzEncoder(settings);
  assert.deepEqual(encoder.encode(bytes!), first);
  assert.deepEqual(encoder.encode(bytes!), second);
  for (const decoder of [await createLzDecoder(16), new ReferenceDecoder()]) {
    assert.deepEqual(decoder.decode(first!, bytes!.length), bytes);
    assert.deepEqual(decoder.decode(second!, bytes!.length), bytes);
  }
  const primed = await createLzEncoder(settings);
  primed.prime(bytes!);
  assert.deepEqual(primed.encode(bytes!), behindHistory);
  for (const decoder of [await createLzDecoder(16), new ReferenceDecoder()]) {
    decoder.prime(bytes!);
    assert.deepEqual(decoder.decode(behindHistory!, bytes!.length), bytes);
  }
});
