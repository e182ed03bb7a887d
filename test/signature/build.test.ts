import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ErrorCode, LimitError } from "../../src/errors.ts";
import { loadHash64, sha256 } from "../../src/hash/index.ts";
import { hashBlocks } from "../../src/hash/reference.ts";
import { memorySource, zeroSource } from "../../src/io/index.ts";
import { buildSignature, chooseBlockBytes, countBlocks, type Signature } from "../../src/signature/index.ts";
import { noise } from "../hash/data.ts";

const { hash: hash64 } = await loadHash64();

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const borders = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  // One buffer for all pieces: whoever keeps a piece sees it change.
  const buffer = new Uint8Array(bytes.length);
  for (let i = 1; i < borders.length; i++) {
    const piece = bytes.subarray(borders[i - 1], borders[i]);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}

function expectedSignature(basis: Uint8Array, blockBytes: number): Signature {
  const weakHashes = hashBlocks(basis, blockBytes);
  const strongHashes = BigUint64Array.from(weakHashes, (_, i) =>
    hash64(basis.subarray(i * blockBytes, (i + 1) * blockBytes)),
  );
  return {
    basisBytes: basis.length,
    basisSha256: sha256(basis),
    basisXxh64: hash64(basis),
    blockBytes,
    weakHashes,
    strongHashes,
  };
}

describe("buildSignature", () => {
  it("hashes each block, however the basis arrives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.integer({ min: 16, max: 300 }),
        fc.array(fc.nat(2000), { maxLength: 8 }),
        async (basis, blockBytes, cuts) => {
          const expected = expectedSignature(basis, blockBytes);
          assert.deepEqual(await buildSignature(basis, { blockBytes }), expected);
          assert.deepEqual(await buildSignature(inPieces(basis, cuts), { blockBytes }), expected);
          assert.deepEqual(await buildSignature(memorySource(basis), { blockBytes }), expected);
        },
      ),
    );
  });

  it("is the same for every size of piece", async () => {
    const basis = noise(5000, 3);
    const expected = expectedSignature(basis, 100);
    for (const pieceBytes of [1, 2, 3, 7, 15, 99, 100, 101, 1000, 4999, 5000]) {
      const cuts = Array.from(
        { length: Math.floor(basis.length / pieceBytes) },
        (_, i) => (i + 1) * pieceBytes,
      );
      assert.deepEqual(await buildSignature(inPieces(basis, cuts), { blockBytes: 100 }), expected);
    }
  });

  it("goes across the pieces that sources are read in", async () => {
    const basis = noise(2_500_001, 5);
    for (const blockBytes of [1000, 65_536]) {
      const expected = expectedSignature(basis, blockBytes);
      assert.deepEqual(await buildSignature(memorySource(basis), { blockBytes }), expected);
    }
  });

  it("chooses the block size from the size, from the hint, or without either", async () => {
    const basis = noise(70_000, 7);
    assert.equal((await buildSignature(basis)).blockBytes, 256);
    assert.equal((await buildSignature(memorySource(basis))).blockBytes, 256);
    assert.equal((await buildSignature(inPieces(basis, []))).blockBytes, 2048);
    assert.equal((await buildSignature(inPieces(basis, []), { sizeHint: 2 ** 31 })).blockBytes, 2048);
    assert.equal((await buildSignature(inPieces(basis, []), { sizeHint: 4096 })).blockBytes, 64);
  });

  it("tells progress to the end", async () => {
    const seen: number[] = [];
    await buildSignature(zeroSource(2_500_000), {
      onProgress: ({ phase, doneBytes, totalBytes }) => {
        assert.equal(phase, "sign");
        assert.equal(totalBytes, 2_500_000);
        seen.push(doneBytes);
      },
    });
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    );
    assert.equal(seen.at(-1), 2_500_000);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const building = buildSignature(zeroSource(1e9), {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await assert.rejects(building, reason);
  });

  it("refuses more blocks than allowed, and wrong block sizes", async () => {
    const limits = { blockCount: 3 };
    assert.equal((await buildSignature(new Uint8Array(48), { blockBytes: 16, limits })).weakHashes.length, 3);
    await assert.rejects(buildSignature(new Uint8Array(49), { blockBytes: 16, limits }), (error) => {
      assert.ok(error instanceof LimitError);
      assert.equal(error.code, ErrorCode.COUNT_LIMIT);
      return true;
    });
    for (const blockBytes of [0, 15, 65_537, 100.5, Number.NaN]) {
      await assert.rejects(buildSignature(new Uint8Array(1), { blockBytes }), RangeError);
    }
  });
});

describe("chooseBlockBytes", () => {
  it("follows the square root, then stays at 1024, then keeps to 2^20 blocks", () => {
    assert.equal(chooseBlockBytes(0), 64);
    assert.equal(chooseBlockBytes(2 ** 14 - 1), 64);
    assert.equal(chooseBlockBytes(2 ** 14), 128);
    assert.equal(chooseBlockBytes(2 ** 16), 256);
    assert.equal(chooseBlockBytes(2 ** 20), 1024);
    assert.equal(chooseBlockBytes(2 ** 30), 1024);
    assert.equal(chooseBlockBytes(2 ** 30 + 1), 2048);
    assert.equal(chooseBlockBytes(2 ** 36), 65_536);
    assert.equal(chooseBlockBytes(Number.MAX_SAFE_INTEGER), 65_536);
  });

  it("never falls when the basis grows", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (x, y) => {
        const [small, large] = x < y ? [x, y] : [y, x];
        assert.ok(chooseBlockBytes(small) <= chooseBlockBytes(large));
        if (small <= 2 ** 36) assert.ok(countBlocks(small, chooseBlockBytes(small)) <= 2 ** 20);
      }),
    );
  });
});

it("takes over hashes that are known", async () => {
  const basis = new Uint8Array(5000).fill(7);
  const computed = await buildSignature(basis, { blockBytes: 64 });
  const basisHashes = { sha256: new Uint8Array(32).fill(1), xxh64: 2n };
  const { sha256: basisSha256, xxh64: basisXxh64 } = basisHashes;
  assert.deepEqual(await buildSignature(basis, { blockBytes: 64, basisHashes }), {
    ...computed,
    basisSha256,
    basisXxh64,
  });
});
