import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HashedSource } from "../../src/apply/hashed-source.ts";
import { loadHash64 } from "../../src/hash/index.ts";
import { memorySource, readRange, type Source } from "../../src/io/index.ts";
import { withoutReadSync } from "../support/sources.ts";

const bytes = Uint8Array.from({ length: 9_000_001 }, (_, i) => (i * i) >> 7);

const { hash } = await loadHash64();
const memory = memorySource(bytes);

/** `bytes`, read as `readSync` does. */
function sourceOf(readSync: NonNullable<Source["readSync"]>): Source {
  return { size: bytes.length, readSync, read: async (offset, into) => readSync(offset, into) };
}

test("a hashed source reads what is there, and hashes it all, in whatever order it is read", async () => {
  const jump = fc.oneof(
    fc.constant(0),
    fc.integer({ min: -300_000, max: 300_000 }),
    fc.integer({ min: -9_000_000, max: 9_000_000 }),
  );
  const reads = fc.array(fc.tuple(jump, fc.integer({ min: 1, max: 600_000 }), fc.boolean()), {
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(reads, async (wanted) => {
      const source = (await HashedSource.over(memorySource(bytes)))!;
      let end = 0;
      for (const [distance, length, isSync] of wanted) {
        const offset = Math.max(0, Math.min(end + distance, bytes.length - length));
        end = offset + length;
        const found = new Uint8Array(length);
        if (isSync) source.readSync(offset, found);
        else await source.read(offset, found);
        assert.deepEqual(Buffer.compare(found, bytes.subarray(offset, end)), 0);
      }
      assert.equal(await source.digest(), hash(bytes));
    }),
    { numRuns: 100 },
  );
});

test("in order, it reads everything once", async () => {
  let read = 0;
  const readSync = (offset: number, into: Uint8Array): void => {
    read += into.length;
    memory.readSync!(offset, into);
  };
  const source = (await HashedSource.over(sourceOf(readSync)))!;
  // With gaps, as ops leave them.
  for (let at = 0; at + 40_000 < bytes.length; at += 50_000) source.readSync(at, new Uint8Array(40_000));
  await source.digest();
  // What straddles the end of a chunk begins in one that is gone.
  assert.ok(read < 1.1 * bytes.length, `${read} bytes`);
});

test("it follows reads that go on far beyond, in an order of their own", async () => {
  let read = 0;
  const readSync = (offset: number, into: Uint8Array): void => {
    read += into.length;
    memory.readSync!(offset, into);
  };
  const size = 40 * bytes.length;
  const wide: Source = {
    size,
    readSync: (offset, into) => readSync(offset % 1000, into),
    read: async () => {},
  };
  const source = (await HashedSource.over(wide))!;
  // Pages, of which every fourth is half a mebibyte behind those before it; the first 100 MB nobody asks for.
  const into = new Uint8Array(1 << 15);
  for (let i = 0, at = 100_000_000; at + 2 ** 20 < size; i++, at += 1 << 15)
    source.readSync(i % 4 === 3 ? at - 2 ** 19 : at, into);
  // All of it once, what is behind once more.
  assert.ok(read > size - 2 ** 21 && read < 1.25 * size, `${read} of ${size} bytes`);
});

test("after a read that failed, it goes on with the same bytes", async () => {
  let fails = false;
  const readSync = (offset: number, into: Uint8Array): void => {
    if (fails) {
      into.fill(7);
      throw new Error("broken");
    }
    memory.readSync!(offset, into);
  };
  const source = (await HashedSource.over(sourceOf(readSync)))!;
  source.readSync(0, new Uint8Array(1000));
  fails = true;
  assert.throws(() => source.readSync(262_000, new Uint8Array(5000)), /broken/);
  fails = false;
  const found = new Uint8Array(5000);
  source.readSync(100, found);
  assert.deepEqual(found, bytes.slice(100, 5100));
  assert.equal(await source.digest(), hash(bytes));
});

test("it is stopped, and there is none over a source that does not read at once", async () => {
  const controller = new AbortController();
  const source = (await HashedSource.over(memorySource(bytes), controller.signal))!;
  controller.abort(new Error("enough"));
  await assert.rejects(source.digest(), /enough/);
  assert.equal(await HashedSource.over(withoutReadSync(memorySource(bytes))), undefined);
  assert.equal((await readRange(source, 5, 3)).length, 3);
});
