/** The headers of the outer archive are those that tar-stream writes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pack } from "tar-stream";
import { encodeOuterHeader } from "../../src/transform/index.ts";

async function headerByTarStream(name: string, size: number): Promise<Uint8Array> {
  const archive = pack();
  archive
    .entry({ name, size, type: "file", mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) })
    .on("error", () => {});
  for await (const part of archive) return new Uint8Array(part as Uint8Array);
  throw new Error("tar-stream wrote no header");
}

const LONG_NAME = `blobs/sha256/${"0f".repeat(32)}`;

test("a header is that of tar-stream, whatever the size", async () => {
  const sizes = [0, 1, 511, 512, 8 ** 11 - 1, 8 ** 11, 2 ** 40 + 513, Number.MAX_SAFE_INTEGER];
  for (const size of sizes)
    assert.deepEqual(encodeOuterHeader(LONG_NAME, size), await headerByTarStream(LONG_NAME, size), `${size}`);
  await fc.assert(
    fc.asyncProperty(
      fc.stringMatching(/^[a-z0-9/.-]{1,99}[a-z]$/),
      fc.nat(Number.MAX_SAFE_INTEGER),
      async (name, size) => {
        assert.deepEqual(encodeOuterHeader(name, size), await headerByTarStream(name, size));
      },
    ),
    { numRuns: 50 },
  );
});

test("what does not fit is refused", () => {
  assert.throws(() => encodeOuterHeader("n".repeat(101), 0), RangeError);
  for (const size of [-1, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => encodeOuterHeader("n", size), RangeError);
});
