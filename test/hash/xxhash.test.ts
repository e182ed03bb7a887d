import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../src/bytes/index.ts";
import { loadHash64 } from "../../src/hash/index.ts";

const api = await loadHash64();

/** The buffer that xxHash's own sanity test hashes: the top bytes of a 64-bit multiplicative generator. */
function sanityBuffer(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let generator = 2654435761n;
  for (let i = 0; i < length; i++) {
    bytes[i] = Number(generator >> 56n);
    generator = (generator * 0x9e3779b185ebca8dn) & 0xffff_ffff_ffff_ffffn;
  }
  return bytes;
}

describe("XXH64", () => {
  it("gives the published hashes", () => {
    assert.equal(api.hash(encodeUtf8("")), 0xef46db3751d8e999n);
    assert.equal(api.hash(encodeUtf8("a")), 0xd24ec4f1a98c6e5bn);
    assert.equal(api.hash(encodeUtf8("abc")), 0x44bc2cf5ad770999n);
    // xxHash's tests/sanity_test_vectors.h, XSUM_XXH64_testdata, seed 0.
    assert.equal(api.hash(sanityBuffer(1)), 0xe934a84adb052768n);
    assert.equal(api.hash(sanityBuffer(4)), 0x9136a0dca57457een);
    assert.equal(api.hash(sanityBuffer(14)), 0x8282dcc4994e35c8n);
    assert.equal(api.hash(sanityBuffer(222)), 0xb641ae8cb691c174n);
  });

  it("is the same in one piece and in many, past the size of one piece too", () => {
    const bytes = sanityBuffer(300_000);
    const whole = api.hash(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 5 }), (cuts) => {
        const borders = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const hash = api.create();
        for (let i = 1; i < borders.length; i++) hash.update(bytes.subarray(borders[i - 1], borders[i]));
        assert.equal(hash.digest(), whole);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps streams apart", () => {
    const first = api.create();
    const second = api.create();
    first.update(encodeUtf8("a"));
    second.update(encodeUtf8("ab"));
    first.update(encodeUtf8("bc"));
    second.update(encodeUtf8("c"));
    assert.equal(first.digest(), 0x44bc2cf5ad770999n);
    assert.equal(second.digest(), first.digest());
  });
});
