import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createOpsDecoder, createOpsEncoder } from "../../src/codec/ops/index.ts";
import { PRIME_BYTES, PRIME_CODED } from "../../src/codec/ops/prime.ts";
import { ReferenceOpsDecoder } from "../../src/codec/ops/reference.ts";

const text = readFileSync(new URL("../../src/codec/ops/FORMAT.md", import.meta.url), "utf8");

/** The lines of a block of the format. */
function readBlock(name: string): string[] {
  const block = new RegExp(`<!-- ${name} -->\\n\`\`\`\\n([^\`]*)\`\`\``, "u").exec(text)?.[1];
  assert.ok(block !== undefined, `the format has a block ${name}`);
  return block.trim().split("\n");
}

test("the prime of the ops' format is what the coder decodes first", () => {
  assert.equal(readBlock("prime").join(""), PRIME_CODED);
  assert.ok(text.includes(`hexadecimal, decode to ${PRIME_BYTES.toLocaleString("en")}:`));
});

test("the example of the ops' format is what the coder makes", async () => {
  const [control, first, second] = readBlock("example").map((line) =>
    Uint8Array.from(Buffer.from(line.replace(/#.*/u, "").replaceAll(" ", ""), "hex")),
  );
  const encoder = await createOpsEncoder();
  assert.deepEqual(encoder.encode(control!), first);
  assert.deepEqual(encoder.encode(control!), second);
  for (const decoder of [await createOpsDecoder(), new ReferenceOpsDecoder()]) {
    assert.deepEqual(decoder.decode(first!, control!.length), control);
    assert.deepEqual(decoder.decode(second!, control!.length), control);
  }
});
