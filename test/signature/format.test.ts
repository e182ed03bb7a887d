import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encodeUtf8, fromHex } from "../../src/bytes/index.ts";
import { ErrorCode, FlatdeltaError, FormatError, LimitError } from "../../src/errors.ts";
import { loadHash64, sha256 } from "../../src/hash/index.ts";
import { buildSignature, encodeSignature, isSignature, readSignature } from "../../src/signature/index.ts";
import { noise } from "../hash/data.ts";

const { hash: hash64 } = await loadHash64();
const basis = encodeUtf8("the quick brown fox jumps over the lazy dog\n");
const file = await encodeSignature(await buildSignature(basis, { blockBytes: 16 }));

async function codeOf(bytes: Uint8Array): Promise<string> {
  try {
    await readSignature(bytes);
  } catch (error) {
    assert.ok(error instanceof FlatdeltaError, `expected a coded error, got ${error}`);
    return error.code;
  }
  return "none";
}

/** The file with some bytes changed and its checksums made to fit again. */
function forge(at: number, bytes: readonly number[]): Uint8Array {
  const forged = file.slice();
  forged.set(bytes, at);
  const view = new DataView(forged.buffer);
  view.setBigUint64(64, hash64(forged.subarray(0, 64)), true);
  view.setBigUint64(forged.length - 8, hash64(forged.subarray(0, -8)), true);
  return forged;
}

describe("signature format", () => {
  it("decodes and makes the example of FORMAT.md", async () => {
    const page = await readFile(new URL("../../src/signature/FORMAT.md", import.meta.url), "utf8");
    const block = /<!-- example -->\n```\n([^`]*)```/.exec(page)?.[1];
    assert.ok(block !== undefined, "FORMAT.md has an example");
    const example = fromHex(block.replace(/#.*/g, "").replace(/\s/g, ""));
    assert.deepEqual(example, file);
    const signature = await readSignature(example);
    assert.equal(signature.basisBytes, 44);
    assert.equal(signature.blockBytes, 16);
    assert.deepEqual(signature.basisSha256, sha256(basis));
    assert.equal(signature.basisXxh64, hash64(basis));
    assert.equal(signature.strongHashes[2], hash64(basis.subarray(32)));
  });

  it("gives every signature back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 1000 }),
        fc.integer({ min: 16, max: 200 }),
        async (bytes, blockBytes) => {
          const signature = await buildSignature(bytes, { blockBytes });
          const encoded = await encodeSignature(signature);
          assert.equal(encoded.length, 80 + 12 * signature.weakHashes.length);
          assert.ok(isSignature(encoded));
          assert.deepEqual(await readSignature(encoded), signature);
        },
      ),
    );
  });

  it("gives a signature of many blocks back, in pieces of any size", async () => {
    const signature = await buildSignature(noise(400_000, 3), { blockBytes: 16 });
    const encoded = await encodeSignature(signature);
    for (const pieceBytes of [1000, 65_536, 300_000]) {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < encoded.length; at += pieceBytes) yield encoded.subarray(at, at + pieceBytes);
      };
      assert.deepEqual(await readSignature(pieces()), signature);
    }
  });

  it("keeps nothing of the pieces, not even of Buffers", async () => {
    const signature = await readSignature(file);
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      const buffer = Buffer.alloc(5);
      for (let at = 0; at < file.length; at += buffer.length) {
        const piece = file.subarray(at, at + buffer.length);
        buffer.set(piece);
        yield buffer.subarray(0, piece.length);
      }
    };
    assert.deepEqual(await readSignature(pieces()), signature);
  });

  it("refuses every changed byte", async () => {
    for (let at = 0; at < file.length; at++) {
      for (const change of [1, 0x80, 0xff]) {
        const damaged = file.slice();
        damaged[at]! ^= change;
        const expected =
          at < 8
            ? ErrorCode.BAD_MAGIC
            : at === 8
              ? ErrorCode.UNSUPPORTED_VERSION
              : at < 72
                ? ErrorCode.CORRUPT_HEADER
                : ErrorCode.CORRUPT_BODY;
        assert.equal(await codeOf(damaged), expected, `byte ${at} changed by ${change}`);
      }
    }
  });

  it("refuses every truncation and every addition", async () => {
    for (let length = 0; length < file.length; length++) {
      assert.equal(await codeOf(file.subarray(0, length)), ErrorCode.TRUNCATED, `length ${length}`);
    }
    assert.equal(await codeOf(Uint8Array.of(...file, 0)), ErrorCode.TRAILING_DATA);
  });

  it("refuses impossible values behind checksums that fit", async () => {
    assert.equal(await codeOf(forge(24, [file[24]!])), "none");
    for (const at of [9, 10, 11]) assert.equal(await codeOf(forge(at, [2])), ErrorCode.UNSUPPORTED_FEATURE);
    assert.equal(await codeOf(forge(12, [15, 0, 0, 0])), ErrorCode.CORRUPT_HEADER);
    assert.equal(await codeOf(forge(12, [1, 0, 1, 0])), ErrorCode.CORRUPT_HEADER);
    assert.equal(await codeOf(forge(16, [0, 0, 0, 0, 0, 0, 0x20, 0])), ErrorCode.CORRUPT_HEADER);
    assert.equal(await codeOf(forge(16, [0, 0, 0, 0, 0, 0, 0, 0xff])), ErrorCode.CORRUPT_HEADER);
  });

  it("refuses a claimed number of blocks over the limit before it reads them", async () => {
    // 2^40 bytes in blocks of 16: 2^36 blocks.
    const claims = forge(16, [0, 0, 0, 0, 0, 1, 0, 0]);
    await assert.rejects(readSignature(claims), (error) => {
      assert.ok(error instanceof LimitError);
      assert.equal(error.code, ErrorCode.COUNT_LIMIT);
      return true;
    });
    await assert.rejects(readSignature(file, { limits: { blockCount: 2 } }), LimitError);
    await readSignature(file, { limits: { blockCount: 3 } });
  });

  it("does not allocate for blocks that never come", async () => {
    // 2^28 bytes in blocks of 16: 2^24 blocks, within the limit, 192 MiB of hashes.
    const before = process.memoryUsage().arrayBuffers;
    await assert.rejects(readSignature(forge(16, [0, 0, 0, 16, 0, 0, 0, 0])), (error) => {
      assert.ok(error instanceof FormatError);
      assert.equal(error.code, ErrorCode.TRUNCATED);
      return true;
    });
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 24);
  });

  it("refuses to write a signature whose parts do not fit", async () => {
    const signature = await readSignature(file);
    for (const wrong of [
      { basisBytes: 49 },
      { basisBytes: -1 },
      { basisBytes: 44.5 },
      { blockBytes: 8 },
      { basisSha256: new Uint8Array(31) },
      { weakHashes: new Uint32Array(2) },
      { strongHashes: new BigUint64Array(4) },
    ]) {
      await assert.rejects(encodeSignature({ ...signature, ...wrong }), RangeError);
    }
  });

  it("stops when it is told to", async () => {
    await assert.rejects(readSignature(file, { signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  });
});
