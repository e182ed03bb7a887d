import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createTextDecoder, createTextEncoder } from "../../src/codec/text/index.ts";
import { ReferenceTextDecoder } from "../../src/codec/text/reference.ts";

const format = readFileSync(new URL("../../src/codec/text/FORMAT.md", import.meta.url), "utf8");

test("the example of the text format is what the coder makes", async () => {
  const block = /<!-- example -->\n```\n([^`]*)```/u.exec(format)?.[1];
  assert.ok(block !== undefined, "the format has an example");
  const [raw, first, second, primed] = block
    .trim()
    .split("\n")
    .map((line) => Uint8Array.from(Buffer.from(line.replace(/#.*/u, "").replaceAll(" ", ""), "hex")));
  const encoder = await createTextEncoder();
  assert.deepEqual(encoder.encode(raw!), first);
  assert.deepEqual(encoder.encode(raw!), second);
  const learned = await createTextEncoder();
  learned.prime(raw!);
  assert.deepEqual(learned.encode(raw!), primed);

  const reference = new ReferenceTextDecoder();
  const decoder = await createTextDecoder();
  for (const coded of [first!, second!]) {
    const into = new Uint8Array(raw!.length);
    decoder.decodeInto(coded, into);
    assert.deepEqual(into, raw);
    assert.deepEqual(reference.decode(coded, raw!.length), raw);
  }
  const behind = new ReferenceTextDecoder();
  behind.prime(raw!);
  assert.deepEqual(behind.decode(primed!, raw!.length), raw);
});
