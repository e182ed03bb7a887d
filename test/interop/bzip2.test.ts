import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes } from "../../src/bytes/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { decompressBzip2 } from "../../src/interop/bsdiff/bzip2.ts";
import { BitWriter, compressBzip2, putBlockHead } from "../support/bzip2.ts";
import { inPieces, makeBytes } from "../support/pairs.ts";

async function decompress(bytes: Uint8Array, pieceBytes = 1 << 16): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of decompressBzip2(inPieces(bytes, pieceBytes), "test")) parts.push(piece.slice());
  return concatBytes(parts);
}

// What bzip2 1.0.8 makes of "flatdelta\n".
const TEXT = "QlpoOTFBWSZTWWyivOUAAALBgAAQJwQEACAAIhpjUIYBApAp4u5IpwoSDZRXnKA=";

test("what bzip2 writes is read", async () => {
  const bytes = new Uint8Array(Buffer.from(TEXT, "base64"));
  assert.equal(Buffer.from(await decompress(bytes)).toString(), "flatdelta\n");
});

test("any bytes come back, however they arrive", async () => {
  const bytesArbitrary = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.record({ length: fc.nat(3000), seed: fc.nat() }).map(({ length, seed }) => makeBytes(length, seed)),
    fc
      .array(fc.record({ byte: fc.nat(2), times: fc.nat(600) }), { maxLength: 8 })
      .map((runs) => concatBytes(runs.map(({ byte, times }) => new Uint8Array(times).fill(byte)))),
  );
  await fc.assert(
    fc.asyncProperty(
      bytesArbitrary,
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 300, max: 4000 }),
      async (bytes, pieceBytes, blockBytes) => {
        const back = await decompress(compressBzip2(bytes, blockBytes), pieceBytes);
        assert.deepEqual(Buffer.from(back), Buffer.from(bytes));
      },
    ),
    { numRuns: 60 },
  );
});

test("no flipped bit and no truncation gives other bytes", async () => {
  const bytes = concatBytes([makeBytes(120, 1), new Uint8Array(90)]);
  const packed = compressBzip2(bytes, 150);
  const check = async (damaged: Uint8Array, what: string): Promise<void> => {
    // The bits that fill up the last byte mean nothing.
    const found = await decompress(damaged).catch((error: unknown) => error);
    if (found instanceof Uint8Array) assert.deepEqual(Buffer.from(found), Buffer.from(bytes), what);
    else assert.ok(isFlatdeltaError(found), `${what}: ${String(found)}`);
  };
  for (let at = 0; at < packed.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = packed.slice();
      damaged[at]! ^= 1 << bit;
      await check(damaged, `bit ${bit} of byte ${at}`);
    }
    await assert.rejects(decompress(packed.slice(0, at)), { code: ErrorCode.TRUNCATED }, `cut at ${at}`);
  }
});

test("bytes behind the end are refused", async () => {
  const packed = compressBzip2(makeBytes(50, 1));
  await assert.rejects(decompress(Uint8Array.of(...packed, 0)), { code: ErrorCode.TRAILING_DATA });
});

test("a run of 2^40 bytes in one block is refused", async () => {
  const out = new BitWriter().put(24, 0x425a68).put(8, 0x31);
  const bits = putBlockHead(out, { crc: 0, row: 0, used: [0], symbolCount: 41 });
  for (let i = 0; i < 40; i++) out.put(bits, 0);
  out.put(bits, 2);
  await assert.rejects(decompress(out.end()), {
    code: ErrorCode.CORRUPT_BODY,
    message: /longer than any block/u,
  });
});

test("code lengths that go up and down for ever are refused", async () => {
  const out = new BitWriter().put(24, 0x425a68).put(8, 0x31);
  out.put(24, 0x314159).put(24, 0x265359).put(32, 0).put(1, 0).put(24, 0);
  out.put(16, 0x8000).put(16, 0x8000).put(3, 2).put(15, 1).put(1, 0).put(5, 8);
  const endless = concatBytes([out.end(), new Uint8Array(3_000_000).fill(0b10111011)]);
  await assert.rejects(decompress(endless), { code: ErrorCode.CORRUPT_BODY });
});

test("a block that decompresses to 46 MB takes little memory and comes in pieces", async () => {
  // A run of 900,000 zeros before the last step: four of them, and a count of none, again and again.
  const out = new BitWriter().put(24, 0x425a68).put(8, 0x39);
  const bits = putBlockHead(out, { crc: 0, row: 0, used: [255], symbolCount: 21 });
  for (let left = 900_000; left > 0; left = (left - 1) >> 1) out.put(bits, (left - 1) & 1);
  out.put(bits, 2);
  let total = 0;
  const read = async (): Promise<void> => {
    for await (const { length } of decompressBzip2(inPieces(out.end(), 100), "test")) {
      assert.ok(length <= 1 << 16);
      total += length;
    }
  };
  await assert.rejects(read(), { code: ErrorCode.CORRUPT_BODY, message: /checksum/u });
  assert.equal(total, (900_000 / 5) * (4 + 255));
});
