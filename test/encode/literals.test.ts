/** Few literals are coded by the codec that needs the fewest bytes for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyDelta } from "../../src/apply/index.ts";
import { concatBytes, encodeUtf8 } from "../../src/bytes/index.ts";
import { inspectDelta } from "../../src/delta/index.ts";
import { createDelta, type DeltaCodec } from "../../src/encode/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { buildSignature } from "../../src/signature/index.ts";
import { noise } from "../codec/mix-data.ts";

const WORDS =
  "const return total price order quantity customer if else function lines => ( ) { } ; = + *".split(" ");

function makeSource(words: number, seed: number): Uint8Array {
  const next = noise(seed);
  return encodeUtf8(
    Array.from({ length: words }, (_, i) => WORDS[(next() >>> 8) % WORDS.length] + (i % 9 ? " " : "\n")).join(
      "",
    ),
  );
}

/** Instructions of four bytes, of which the second and third are like those of the one before. */
function makeInstructions(count: number, seed: number): Uint8Array {
  const next = noise(seed);
  return concatBytes(
    Array.from({ length: count }, () => {
      const n = next();
      return Uint8Array.of(0xe0 | ((n >>> 9) & 3), (n >>> 12) & 7, (n >>> 16) & 255, n >>> 24);
    }),
  );
}

/** Records of eight bytes that count up. */
function makeTable(records: number): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(8 * records));
  for (let i = 0; i < records; i++) numbers.setUint32(8 * i, i, true);
  return new Uint8Array(numbers.buffer);
}

const basis = concatBytes([makeSource(3000, 1), makeInstructions(3000, 2)]);
const insert = (at: number, bytes: Uint8Array): Uint8Array =>
  concatBytes([basis.subarray(0, at), bytes, basis.subarray(at)]);

async function codeLiterals(target: Uint8Array, codec: DeltaCodec | undefined, bySignature = false) {
  const sink = memorySink();
  const from = bySignature ? await buildSignature(memorySource(basis)) : memorySource(basis);
  await createDelta(from, memorySource(target), sink, { codec });
  const made = memorySink();
  await applyDelta(memorySource(basis), sink.bytes(), made);
  assert.deepEqual(Buffer.from(made.bytes()), Buffer.from(target));
  const { streams } = await inspectDelta(sink.bytes());
  return streams.find(({ name }) => name === "data")!;
}

test("source text is coded as text, a table is not", async () => {
  const text = await codeLiterals(insert(900, makeSource(300, 3)), undefined);
  assert.equal(text.codec, "text");
  const table = await codeLiterals(insert(basis.length - 400, makeTable(2000)), undefined);
  assert.equal(table.codec, "lz");
});

test("so are literals that nothing can be learned for", async () => {
  assert.equal((await codeLiterals(makeSource(300, 3), undefined, true)).codec, "text");
});

test("text takes fewer bytes than lz alone", async () => {
  const target = insert(900, makeSource(300, 3));
  const [text, lz] = [await codeLiterals(target, "mix"), await codeLiterals(target, "lz")];
  assert.equal(lz.codec, "lz");
  assert.ok(text.codedBytes < lz.codedBytes, `${text.codedBytes} and ${lz.codedBytes}`);
});

test("many literals are coded by lz, and none take nothing", async () => {
  assert.equal((await codeLiterals(insert(900, makeSource(30_000, 5)), undefined)).codec, "lz");
  assert.equal((await codeLiterals(basis, undefined)).codedBytes, 0);
});
