import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createHashCore, hashSource64, loadHash64, PieceHash } from "../../src/hash/index.ts";
import { memorySource, zeroSource } from "../../src/io/index.ts";
import { withoutReadSync } from "../support/sources.ts";
import { noise } from "./data.ts";

const { hash } = await loadHash64();

test("bytes in pieces of any length have the hash that xxhash-wasm gives for all of them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 })), async (pieces) => {
      const made = await PieceHash.create();
      for (const piece of pieces) {
        made.piece.set(piece);
        made.update(piece.length);
      }
      const all = Buffer.concat(pieces);
      assert.equal(made.digest(), hash(all));
      // The digest is of all so far.
      made.piece.set([7]);
      made.update(1);
      assert.equal(made.digest(), hash(Buffer.concat([all, Buffer.of(7)])));
    }),
  );
});

test("a source is hashed whole and in part, however it reads", async () => {
  const { length: pieceBytes } = (await PieceHash.create()).piece;
  for (const size of [0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 70 * pieceBytes + 5]) {
    const bytes = noise(size, size);
    for (const source of [memorySource(bytes), withoutReadSync(memorySource(bytes))]) {
      const told: number[] = [];
      assert.equal(await hashSource64(source, { onBytes: (done) => told.push(done) }), hash(bytes));
      assert.deepEqual([told.length, told.at(-1) ?? 0], [Math.ceil(size / pieceBytes), size]);
      const [offset, length] = [size >> 2, size >> 1];
      const part = bytes.subarray(offset, offset + length);
      assert.equal(await hashSource64(source, { offset, length }), hash(part));
    }
  }
});

test("it is stopped, and what fails to be read is told", async () => {
  const controller = new AbortController();
  const onBytes = (): void => controller.abort(new Error("enough"));
  for (const source of [zeroSource(1 << 26), withoutReadSync(zeroSource(1 << 26))])
    await assert.rejects(hashSource64(source, { signal: controller.signal, onBytes }), /enough/);
  await assert.rejects(hashSource64(zeroSource(10), { offset: 5, length: 6 }), RangeError);
});

test("the blocks that a core hashes have the hash of them all, where it was begun", async () => {
  const core = await createHashCore();
  const [weak, strong] = [new Uint32Array(100), new BigUint64Array(100)];
  const bytes = noise(200_001, 1);
  core.hashBlocks(bytes, 4096, weak, strong);
  core.startWhole();
  for (const [from, to] of [
    [0, 65_536],
    [65_536, 65_536],
    [65_536, 200_001],
  ])
    core.hashBlocks(bytes.subarray(from, to), 4096, weak, from === 0 ? undefined : strong);
  assert.equal(core.digestWhole(), hash(bytes));
});
