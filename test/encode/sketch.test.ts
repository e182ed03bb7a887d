import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseBasisFiles } from "../../src/encode/basis-choice.ts";
import { createDelta, type EntrySpan } from "../../src/encode/index.ts";
import { addJoinedColumns } from "../../src/encode/joined-basis.ts";
import { SKETCH_HASHES, Sketcher, sketchRange } from "../../src/encode/sketch.ts";
import { SketchIndex } from "../../src/encode/sketch-index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { MatchList } from "../../src/match/index.ts";
import { indexFiles } from "../support/indexed.ts";
import { makeBytes } from "../support/pairs.ts";

/** Bytes that do not repeat. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 11;
  });
}

const sketchOf = (bytes: Uint8Array): Promise<Uint32Array> =>
  sketchRange(memorySource(bytes), { offset: 0, length: bytes.length });

const file = (path: string, contentBytes = 1000): EntrySpan => ({
  path,
  headerOffset: 0,
  headerBytes: 512,
  contentOffset: 512,
  contentBytes,
  contentHash: 1n,
});

test("a sketch is the same in whatever pieces the content comes, and holds different hashes that rise", () => {
  fc.assert(
    fc.property(fc.nat(3000), fc.nat(), fc.integer({ min: 1, max: 700 }), (length, seed, pieceBytes) => {
      const bytes = makeBytes(length, seed);
      const [whole, pieces] = [new Sketcher(), new Sketcher()];
      whole.update(bytes);
      for (let at = 0; at < length; at += pieceBytes) pieces.update(bytes.subarray(at, at + pieceBytes));
      const hashes = [...whole.digest()];
      assert.deepEqual([...pieces.digest()], hashes);
      assert.deepEqual(
        hashes,
        [...new Set(hashes)].sort((a, b) => a - b),
      );
      assert.ok(hashes.length <= SKETCH_HASHES);
      assert.equal(hashes.length === 0, length < 32);
    }),
  );
});

test("a sketch holds the least of the hashes of all shingles, wherever they stand", async () => {
  const bytes = noise(500, 7);
  const all: number[] = [];
  for (let at = 0; at + 32 <= bytes.length; at++) all.push(...(await sketchOf(bytes.subarray(at, at + 32))));
  const least = [...new Set(all)].sort((a, b) => a - b).slice(0, SKETCH_HASHES);
  assert.deepEqual([...(await sketchOf(bytes))], least);
});

test("a file is found by what it shares, and one that shares nothing is not", async () => {
  const content = noise(20_000, 3);
  const [kept, other] = [file("kept"), file("other")];
  const index = new SketchIndex();
  index.add(other, await sketchOf(noise(20_000, 99)));
  index.add(kept, await sketchOf(content));
  const found = index.find(await sketchOf(content.subarray(3000)));
  assert.deepEqual([...found.keys()], [kept]);
  assert.ok(found.get(kept)! !== 0);
});

test("what very many files share tells nothing", async () => {
  const sketch = await sketchOf(noise(5000, 5));
  const index = new SketchIndex();
  for (let i = 0; i < 32; i++) index.add(file(`${i}`), sketch);
  assert.equal(index.find(sketch).size, 32);
  index.add(file("one more"), sketch);
  assert.equal(index.find(sketch).size, 0);
});

test("the named file comes first, then those that have what it lacks; one hash is not enough", () => {
  const [named, much, rest, little] = [file("named"), file("much"), file("rest"), file("little")];
  const shared = new Map([
    [rest, 0b0111_0000],
    [much, 0b1111_1100],
    [named, 0b0000_1111],
    [little, 0b1_0000_0000],
  ]);
  assert.deepEqual(chooseBasisFiles(named, shared), [named, much]);
  assert.deepEqual(chooseBasisFiles(undefined, shared), [much, named]);
  assert.deepEqual(chooseBasisFiles(undefined, new Map([[little, 1]])), []);
  assert.deepEqual(chooseBasisFiles(named, new Map()), [named]);
});

test("matches in joined ranges come back where the ranges lie, cut at their borders", () => {
  const matches = new MatchList();
  addJoinedColumns(
    matches,
    1000,
    [
      { offset: 5000, bytes: 10 },
      { offset: 0, bytes: 4 },
      { offset: 700, bytes: 10 },
    ],
    {
      targetOffsets: Float64Array.of(0, 30, 50),
      basisOffsets: Float64Array.of(2, 8, 14),
      lengths: Float64Array.of(8, 9, 2),
      exact: Uint8Array.of(1, 0, 1),
    },
  );
  assert.deepEqual(
    [...matches].map(({ targetOffset, basisOffset, length, exact }) => [
      targetOffset,
      basisOffset,
      length,
      exact,
    ]),
    [
      [1000, 5002, 8, true],
      [1030, 5008, 2, false],
      [1032, 0, 4, false],
      [1036, 700, 3, false],
      [1050, 700, 2, true],
    ],
  );
});

test("a file made of two others, under another name, is made from both", async () => {
  // Pieces shorter than the blocks of the index over the whole basis, so that only the pair matcher can find them.
  const [a, b] = [noise(6000, 11), noise(6000, 12)];
  const target = new Uint8Array(6000);
  for (let at = 0; at < 6000; at += 400) {
    target.set((at % 800 === 0 ? a : b).subarray(at, at + 390), at);
  }
  const basis = await indexFiles(
    new Map([
      ["x/a", a],
      ["x/b", b],
    ]),
  );
  const sink = memorySink();
  const stats = await createDelta(basis, await indexFiles(new Map([["y/made", target]])), sink);
  assert.ok(stats.literalBytes < 1200, `${stats.literalBytes} literal bytes`);
});
