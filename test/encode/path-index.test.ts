import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EntrySpan } from "../../src/encode/index.ts";
import { PathIndex } from "../../src/encode/path-index.ts";

const entryOf = (path: string): EntrySpan => ({
  path,
  headerOffset: 0,
  headerBytes: 512,
  contentOffset: 512,
  contentBytes: 0,
  contentHash: 0n,
});

test("an entry is found by its path, in whatever order it is asked for", () => {
  const path = fc.constantFrom("a", "a/b", "a/c", "d", "d/e", "f", "g", "h");
  fc.assert(
    fc.property(fc.uniqueArray(path), fc.array(path), (paths, asked) => {
      const entries = paths.map(entryOf);
      const index = new PathIndex(entries);
      for (const each of [...paths, ...asked, ...paths])
        assert.equal(
          index.find(each),
          entries.find((entry) => entry.path === each),
        );
    }),
  );
});
