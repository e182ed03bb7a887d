import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BlockIndex, buildSignature, type Signature } from "../../src/signature/index.ts";
import { noise } from "../hash/data.ts";

const indexOf = async (basis: Uint8Array, blockBytes: number) => {
  const signature = await buildSignature(basis, { blockBytes });
  return { signature, index: new BlockIndex(signature) };
};

const never = (): bigint => assert.fail("the strong hash was not needed");

/** A signature of full blocks with the hashes given; no basis has them. */
function forgeSignature(weak: readonly number[], strong: readonly bigint[]): Signature {
  return {
    basisBytes: 16 * weak.length,
    basisSha256: new Uint8Array(32),
    basisXxh64: 0n,
    blockBytes: 16,
    weakHashes: Uint32Array.from(weak),
    strongHashes: BigUint64Array.from(strong),
  };
}

describe("BlockIndex", () => {
  it("finds the first of equal blocks, or the preferred one", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 1, 2, 3, 4), { maxLength: 40 }),
        fc.integer({ min: -2, max: 42 }),
        async (letters, preferred) => {
          const basis = Uint8Array.from(letters.flatMap((letter) => Array<number>(16).fill(letter)));
          const { signature, index } = await indexOf(basis, 16);
          letters.forEach((letter, block) => {
            const weak = signature.weakHashes[block]!;
            const strongOf = () => signature.strongHashes[block]!;
            assert.equal(index.find(weak, strongOf), letters.indexOf(letter));
            const expected = letters[preferred] === letter ? preferred : letters.indexOf(letter);
            assert.equal(index.find(weak, strongOf, preferred), expected);
          });
        },
      ),
    );
  });

  it("finds every block of a large basis", async () => {
    const { signature, index } = await indexOf(noise(320_000, 3), 16);
    for (let block = 0; block < index.fullBlocks; block++) {
      const found = index.find(signature.weakHashes[block]!, () => signature.strongHashes[block]!);
      assert.equal(found, block);
    }
  });

  it("tells blocks of one weak hash apart, and asks for the strong hash once", () => {
    const index = new BlockIndex(forgeSignature([7, 7, 7, 8], [10n, 11n, 12n, 13n]));
    let asked = 0;
    const strongOf = (strong: bigint) => () => {
      asked++;
      return strong;
    };
    assert.equal(index.find(7, strongOf(12n)), 2);
    assert.equal(index.find(7, strongOf(11n), 2), 1);
    assert.equal(index.find(7, strongOf(13n), 0), -1);
    assert.equal(index.find(8, strongOf(13n)), 3);
    assert.equal(asked, 4);
  });

  it("needs no strong hash where no weak hash fits", () => {
    const index = new BlockIndex(forgeSignature([7, 8], [10n, 11n]));
    assert.equal(index.find(9, never), -1);
    assert.equal(index.find(9, never, 0), -1);
    assert.equal(new BlockIndex(forgeSignature([], [])).find(0, never, 0), -1);
  });

  it("holds a basis of equal blocks without a search per block", () => {
    const blocks = 1_000_000;
    const weak = new Array<number>(blocks).fill(7);
    const strong = new Array<bigint>(blocks).fill(10n);
    const index = new BlockIndex(forgeSignature(weak, strong));
    assert.equal(
      index.find(7, () => 10n),
      0,
    );
    assert.equal(
      index.find(7, () => 10n, 999_999),
      999_999,
    );
  });

  it("bounds the search among blocks that were made to collide", () => {
    const blocks = 100_000;
    const weak = new Array<number>(blocks).fill(7);
    const strong = Array.from({ length: blocks }, (_, i) => BigInt(i));
    const index = new BlockIndex(forgeSignature(weak, strong));
    assert.equal(
      index.find(7, () => 0n),
      0,
    );
    assert.equal(
      index.find(7, () => 63n),
      63,
    );
    assert.equal(
      index.find(7, () => 64n),
      -1,
    );
    assert.equal(
      index.find(7, () => 64n, 64),
      64,
    );
  });

  it("finds the short last block by its own length only", async () => {
    const basis = noise(100, 9);
    const { signature, index } = await indexOf(basis, 32);
    assert.equal(index.fullBlocks, 3);
    assert.equal(index.shortBlockBytes, 4);
    assert.equal(index.weakHashes.length, 3);
    const weak = signature.weakHashes[3]!;
    const strongOf = () => signature.strongHashes[3]!;
    assert.equal(index.findShort(weak, strongOf), 3);
    assert.equal(index.findShort(weak ^ 1, never), -1);
    assert.equal(
      index.findShort(weak, () => 0n),
      -1,
    );
    assert.equal(index.find(weak, strongOf), -1);
    assert.equal(index.find(weak, strongOf, 3), -1);
  });

  it("has no short block when the last one is full", async () => {
    const { signature, index } = await indexOf(noise(96, 9), 32);
    assert.equal(index.shortBlockBytes, 0);
    assert.equal(index.findShort(signature.weakHashes[2]!, never), -1);
  });

  it("refuses a signature whose parts do not fit", () => {
    assert.throws(() => new BlockIndex({ ...forgeSignature([7], [10n]), basisBytes: 17 }), RangeError);
  });
});
