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
