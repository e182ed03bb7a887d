import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createResidualDecoder, createResidualEncoder } from "../../src/codec/mix/index.ts";
import { ReferenceDecoder } from "../../src/codec/mix/reference.ts";

const text = readFileSync(new URL("../../src/codec/mix/FORMAT.md", import.meta.url), "utf8");

/** The lines of bytes of the example. */
function readExample(): Uint8Array[] {
  const block = /<!-- example -->\n```\n([^`]*)```/u.exec(text)?.[1];
  assert.ok(block !== undefined, "the format has an example");
  const lines = block.trim().split("\n");
  return lines.map((line) =>
    Uint8Array.from(line.replace(/#.*/u, "").trim().split(/\s+/u), (byte) => Number.parseInt(byte, 16)),
  );
}

test("the example of the coded residual's format is what the coder makes", async () => {
  const [basis, residual, first, second] = readExample();
  const encoder = await createResidualEncoder();
  assert.deepEqual(encoder.encode(residual!, basis!), first);
  assert.deepEqual(encoder.encode(residual!, basis!), second);
  for (const decoder of [await createResidualDecoder(), new ReferenceDecoder()]) {
    assert.deepEqual(decoder.decode(first!, basis!), residual);
    assert.deepEqual(decoder.decode(second!, basis!), residual);
  }
});
