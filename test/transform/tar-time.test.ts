import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  readHeaderTime,
  shiftHeaderTime,
  TAR_BLOCK_BYTES,
  takeHeaderTime,
} from "../../src/transform/index.ts";
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

test("headers are equal without their times where one is the other at another time", () => {
  const withoutTime = (bytes: Uint8Array, sizeBytes: number): [number, Uint8Array] => [
    takeHeaderTime(bytes, sizeBytes),
    bytes,
  ];
  fc.assert(
    fc.property(fc.nat(MAX_TIME), fc.nat(MAX_TIME), fc.nat(8 ** 11 - 1), (a, b, size) => {
      const [timeOfA, restOfA] = withoutTime(block(a, size), size);
      const [timeOfB, restOfB] = withoutTime(block(b, size), size);
      assert.deepEqual([timeOfA, timeOfB], [a, b]);
      assert.deepEqual(restOfA, restOfB);
      assert.notDeepEqual(restOfA, withoutTime(block(a, size, "usr/bin/other"), size)[1]);
    }),
  );
});

test("no time is taken out of a block of another form, or one that announces other content", () => {
  const refuses = (bytes: Uint8Array, contentBytes: number): void => {
    const before = bytes.slice();
    assert.equal(takeHeaderTime(bytes, contentBytes), -1);
    assert.deepEqual(bytes, before);
  };
  refuses(block(5, 100), 99);
  refuses(new Uint8Array(TAR_BLOCK_BYTES), 0);
  for (let i = 0; i < TAR_BLOCK_BYTES; i++) {
    const damaged = block(1_700_000_000, 100);
    damaged[i]! ^= 1;
    refuses(damaged, 100);
  }
});
