import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encodeUtf8, toHex } from "../../src/bytes/index.ts";
import { createSha256, type Sha256, sha256 } from "../../src/hash/index.ts";
import { createPortableSha256 } from "../../src/hash/sha256.ts";

// FIPS 180-4 examples and the NIST CAVP empty message.
const vectors: readonly (readonly [string, string])[] = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
];

const implementations: readonly (readonly [string, () => Sha256])[] = [
  ["of the runtime", createSha256],
  ["portable", createPortableSha256],
];

for (const [name, create] of implementations) {
  describe(`SHA-256, ${name}`, () => {
    it("gives the published digests, whole and byte by byte", () => {
      for (const [text, digest] of vectors) {
        const whole = create();
        whole.update(encodeUtf8(text));
        assert.equal(toHex(whole.digest()), digest);
        const single = create();
        for (const byte of encodeUtf8(text)) single.update(Uint8Array.of(byte));
        assert.equal(toHex(single.digest()), digest);
      }
    });

    it("does not keep the bytes it was given", () => {
      const bytes = encodeUtf8("abc");
      const hash = create();
      hash.update(bytes);
      bytes.fill(0);
      assert.equal(toHex(hash.digest()), vectors[1]![1]);
    });
  });
}

describe("sha256", () => {
  it("agrees between the runtime's and the portable implementation", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (pieces) => {
        const portable = createPortableSha256();
        const native = createSha256();
        for (const piece of pieces) {
          portable.update(piece);
          native.update(piece);
        }
        assert.deepEqual(native.digest(), portable.digest());
      }),
    );
  });

  it("gives a plain Uint8Array of 32 bytes", () => {
    const digest = sha256(encodeUtf8("abc"));
    assert.equal(Object.getPrototypeOf(digest), Uint8Array.prototype);
    assert.equal(digest.length, 32);
    assert.equal(digest.buffer.byteLength, 32);
  });
});
