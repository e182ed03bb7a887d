import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createHashCore, loadHash64 } from "../../src/hash/index.ts";
import * as reference from "../../src/hash/reference.ts";
import { byteArrays, misaligned, noise } from "./data.ts";

const core = await createHashCore();
const { hash: hash64 } = await loadHash64();

const upTo = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 255);

describe("weak hash of a window", () => {
  it("is RabinKarp as librsync publishes it", () => {
    for (const hash of [
      (bytes: Uint8Array) => core.hashWindow(bytes),
      (bytes: Uint8Array) => reference.hashWindow(bytes),
    ]) {
      assert.equal(hash(new Uint8Array(0)), 1);
      assert.equal(hash(upTo(4)), 0xaf981e97);
      assert.equal(hash(upTo(256)), 0xc1972381);
    }
  });

  it("agrees with the reference for every length to 300 and at every alignment", () => {
    const bytes = noise(400);
    for (let length = 0; length <= 300; length++) {
      const window = misaligned(bytes.subarray(0, length), length % 17);
      assert.equal(core.hashWindow(window), reference.hashWindow(window), `length ${length}`);
    }
  });

  it("agrees with the reference for the largest bytes and the largest window", () => {
    const window = new Uint8Array(65_536).fill(255);
    assert.equal(core.hashWindow(window), reference.hashWindow(window));
    assert.throws(() => core.hashWindow(new Uint8Array(65_537)), RangeError);
  });
});

describe("hashes of blocks", () => {
  const check = (bytes: Uint8Array, blockBytes: number): void => {
    const count = Math.ceil(bytes.length / blockBytes);
    const weak = new Uint32Array(count + 1);
    const strong = new BigUint64Array(count + 1);
    assert.equal(core.hashBlocks(bytes, blockBytes, weak, strong), count);
    assert.deepEqual(weak.subarray(0, count), reference.hashBlocks(bytes, blockBytes));
    for (let i = 0; i < count; i++) {
      assert.equal(strong[i], hash64(bytes.subarray(i * blockBytes, (i + 1) * blockBytes)), `block ${i}`);
    }
    assert.equal(weak[count], 0);
    assert.equal(strong[count], 0n);
    const weakAlone = new Uint32Array(count);
    assert.equal(core.hashBlocks(bytes, blockBytes, weakAlone), count);
    assert.deepEqual(weakAlone, weak.subarray(0, count));
  };

  it("agree with the reference and with xxhash-wasm", () => {
    fc.assert(
      fc.property(byteArrays(3000), fc.integer({ min: 16, max: 400 }), fc.nat(15), (bytes, blockBytes, by) =>
        check(misaligned(bytes, by), blockBytes),
      ),
    );
  });

  it("agree for every length of the last block to 200", () => {
    const bytes = noise(400, 7);
    for (let length = 0; length <= 200; length++) check(bytes.subarray(0, 200 + length), 200);
  });

  it("agree across the borders of pieces", () => {
    const bytes = noise(300_001, 3);
    for (const blockBytes of [16, 17, 1000, 1024, 40_000, 65_535, 65_536]) check(bytes, blockBytes);
  });

  it("refuse wrong sizes", () => {
    assert.throws(() => core.hashBlocks(new Uint8Array(1), 15, new Uint32Array(1)), RangeError);
    assert.throws(() => core.hashBlocks(new Uint8Array(1), 65_537, new Uint32Array(1)), RangeError);
    assert.throws(() => core.hashBlocks(new Uint8Array(1), 16.5, new Uint32Array(1)), RangeError);
    assert.throws(() => core.hashBlocks(new Uint8Array(17), 16, new Uint32Array(1)), RangeError);
    assert.throws(
      () => core.hashBlocks(new Uint8Array(17), 16, new Uint32Array(2), new BigUint64Array(1)),
      RangeError,
    );
  });
});

describe("match extension", () => {
  it("agrees with the reference on short ranges, in both directions, with every limit", () => {
    fc.assert(
      fc.property(
        byteArrays(200),
        byteArrays(200),
        fc.nat(200),
        fc.nat(200),
        fc.nat(220),
        (a, b, x, y, limit) => {
          const aAt = Math.min(x, a.length);
          const bAt = Math.min(y, b.length);
          assert.equal(
            core.matchForward(a, aAt, b, bAt, limit),
            reference.matchForward(a, aAt, b, bAt, limit),
          );
          assert.equal(
            core.matchBackward(a, aAt, b, bAt, limit),
            reference.matchBackward(a, aAt, b, bAt, limit),
          );
          assert.equal(core.matchForward(a, aAt, b, bAt), reference.matchForward(a, aAt, b, bAt));
          assert.equal(core.matchBackward(a, aAt, b, bAt), reference.matchBackward(a, aAt, b, bAt));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("finds a difference at every place of a long range", () => {
    const a = noise(3000, 5);
    for (let at = 0; at < a.length; at += at < 700 ? 1 : 37) {
      const b = misaligned(a, at % 16);
      b[at]! ^= 1;
      assert.equal(core.matchForward(a, 0, b, 0), at);
      assert.equal(core.matchBackward(a, a.length, b, b.length), a.length - at - 1);
    }
  });

  it("goes on across the borders of pieces", () => {
    const a = noise(500_000, 9);
    for (const at of [288, 1312, 5408, 21_792, 87_328, 152_864, 152_865, 218_399, 218_400, 499_999]) {
      const b = a.slice();
      b[at]! ^= 128;
      assert.equal(core.matchForward(a, 0, b, 0), at);
      assert.equal(core.matchBackward(a, a.length, b, b.length), a.length - at - 1);
      b[at]! ^= 128;
      assert.equal(core.matchForward(a, at, b, at), a.length - at);
      assert.equal(core.matchBackward(a, at, b, at), at);
    }
  });
});

describe("residuals", () => {
  const check = (basis: Uint8Array, target: Uint8Array): void => {
    const expected = new Uint8Array(basis.length);
    const residual = new Uint8Array(basis.length);
    reference.subtractInto(target, basis, expected);
    core.subtractInto(target, basis, residual);
    assert.deepEqual(residual, expected);
    const out = new Uint8Array(basis.length);
    core.addInto(basis, residual, out);
    assert.deepEqual(out, target);
    core.addInto(basis, residual, residual);
    assert.deepEqual(residual, target);
  };

  it("give the target back, for every length to 200 and every alignment", () => {
    for (let length = 0; length <= 200; length++) {
      check(misaligned(noise(length, 2), length % 16), misaligned(noise(length, 3), length % 13));
    }
  });

  it("give the target back across the borders of pieces", () => {
    for (const length of [65_535, 65_536, 65_537, 200_000]) check(noise(length, 2), noise(length, 3));
  });

  it("refuse different lengths", () => {
    assert.throws(() => core.addInto(new Uint8Array(2), new Uint8Array(1), new Uint8Array(2)), RangeError);
    assert.throws(
      () => core.subtractInto(new Uint8Array(2), new Uint8Array(2), new Uint8Array(1)),
      RangeError,
    );
  });
});
