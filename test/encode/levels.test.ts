import assert from "node:assert/strict";
import { test } from "node:test";
import { getCodec } from "../../src/codec/index.ts";
import { fitCoding } from "../../src/encode/levels.ts";

const coding = { codec: getCodec("none"), effort: 5, windowBits: 23 };

test("a small stream is coded hard and asks for little memory, a large one as it was asked for", () => {
  assert.deepEqual(fitCoding(coding, 0), { ...coding, effort: 9, windowBits: 16 });
  assert.deepEqual(fitCoding(coding, 2 ** 16), { ...coding, effort: 9, windowBits: 16 });
  assert.deepEqual(fitCoding(coding, 2 ** 16 + 1), { ...coding, windowBits: 17 });
  assert.deepEqual(fitCoding(coding, 2 ** 22), { ...coding, windowBits: 22 });
  assert.deepEqual(fitCoding(coding, 2 ** 25), coding);
});

test("a codec that takes history reaches back to all of it", () => {
  const literals = { codec: getCodec("lz"), effort: 5, windowBits: 24 };
  assert.equal(fitCoding(literals, 0).windowBits, 21);
  assert.equal(fitCoding(literals, 2 ** 21 + 1).windowBits, 22);
  assert.equal(getCodec("lz").decoderMemoryBytes(21) <= 2 ** 23, true);
});

test("very many bytes are coded with a little less effort, unless the highest was asked for", () => {
  assert.deepEqual(fitCoding(coding, 2 ** 25 + 1), { ...coding, effort: 4 });
  assert.deepEqual(fitCoding({ ...coding, effort: 1 }, 2 ** 40), { ...coding, effort: 1 });
  assert.deepEqual(fitCoding({ ...coding, effort: 9 }, 2 ** 40), { ...coding, effort: 9 });
});
