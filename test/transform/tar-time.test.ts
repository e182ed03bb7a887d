import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readHeaderTime, shiftHeaderTime, TAR_BLOCK_BYTES } from "../../src/transform/index.ts";
import { headerBlock } from "../image/tar-builder.ts";

const block = (mtimeSeconds: number, sizeBytes = 0, name = "usr/bin/tool"): Uint8Array =>
  headerBlock({ name, mtimeSeconds, sizeBytes, mode: 0o755 });

const MAX_TIME = 8 ** 11 - 1;

test("a shifted header is the header of the other time", () => {
  fc.assert(
    fc.property(fc.nat(MAX_TIME), fc.nat(MAX_TIME), fc.nat(8 ** 11 - 1), (before, after, size) => {
      const shifted = block(before, size);
      assert.equal(shiftHeaderTime(shifted, after - before), Math.ceil(size / 512) * 512);
      assert.deepEqual(shifted, block(after, size));
      assert.equal(readHeaderTime(shifted), after);
    }),
  );
});

test("a time that does not fit, and a block of another form, are refused and left alone", () => {
  const refuses = (bytes: Uint8Array, seconds: number): void => {
    const before = bytes.slice();
    assert.equal(shiftHeaderTime(bytes, seconds), -1);
    assert.deepEqual(bytes, before);
  };
  refuses(block(5), -6);
  refuses(block(MAX_TIME), 1);
  refuses(new Uint8Array(TAR_BLOCK_BYTES), 1);
  for (let i = 0; i < TAR_BLOCK_BYTES; i++) {
    const damaged = block(1_700_000_000, 100);
    damaged[i]! ^= 1;
    refuses(damaged, 1);
  }
});
