/** A source that is read in pages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memorySource, PagedSource, readRange } from "../../src/io/index.ts";

test("pages that are forgotten are read anew, into the same memory", async () => {
  const bytes = Uint8Array.from({ length: 96 }, (_, i) => i);
  const { read } = memorySource(bytes);
  const seen = new Set<ArrayBufferLike>();
  const source = {
    size: bytes.length,
    read: (offset: number, into: Uint8Array) => {
      seen.add(into.buffer);
      return read(offset, into);
    },
  };
  const paged = new PagedSource(source, { pageBytes: 16, pages: 4 });
  const readAll = async (): Promise<Uint8Array> => {
    const parts = [];
    // In order, so that each page is read before it is asked for.
    for (let at = 0; at < bytes.length; at += 12) parts.push(...(await readRange(paged, at, 12)));
    return Uint8Array.from(parts);
  };
  assert.deepEqual(await readAll(), bytes);
  const { size } = seen;
  for (let turn = 1; turn < 4; turn++) {
    bytes.fill(turn);
    await paged.forget();
    assert.deepEqual(await readAll(), bytes);
  }
  assert.equal(seen.size, size);
});

/** Which pages of 16 bytes were read of a source when `order` was asked for, page by page. */
function readInTurn(order: readonly number[], options: { pages: number; mostPages?: number }): number[] {
  const bytes = Uint8Array.from({ length: 16 * 64 }, (_, i) => i >> 2);
  const loads: number[] = [];
  const { readSync, ...rest } = memorySource(bytes);
  const source = {
    ...rest,
    readSync: (offset: number, into: Uint8Array) => {
      loads.push(offset / 16);
      readSync!(offset, into);
    },
  };
  const paged = new PagedSource(source, { pageBytes: 16, ...options });
  for (const page of order) {
    const piece = new Uint8Array(16);
    assert.equal(paged.tryRead(16 * page, piece), true);
    assert.deepEqual(piece, bytes.subarray(16 * page, 16 * page + 16));
  }
  return loads;
}

test("more pages are kept where those that were read come back", () => {
  const turn = Array.from({ length: 10 }, (_, page) => page);
  const turns = [...turn, ...turn, ...turn, ...turn, ...turn];
  assert.equal(readInTurn(turns, { pages: 4 }).length, 50);
  const loads = readInTurn(turns, { pages: 4, mostPages: 16 });
  // Two rounds show that they come back, then six pages more are kept.
  assert.deepEqual(loads.slice(20), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].slice(0, loads.length - 20));
  assert.ok(loads.length <= 30, `${loads.length} pages were read`);
  assert.equal(readInTurn(turns, { pages: 4, mostPages: 8 }).length > 30, true);
});

test("no more pages are kept where few come back", () => {
  const onceEach = Array.from({ length: 60 }, (_, page) => page);
  assert.equal(readInTurn([...onceEach, 0, 1, 2, 3, 0, 1, 2, 3], { pages: 4, mostPages: 64 }).length, 64);
  assert.equal(readInTurn([...onceEach, 0, 1, 2, 3, 4, 0], { pages: 4, mostPages: 64 }).length, 66);
});
