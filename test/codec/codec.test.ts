import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { CODEC_NAMES, decodeAlone, encodeAlone, getCodec, getCodecById } from "../../src/codec/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";

// Codec mix takes basis bytes too: mix.test.ts tests it.
const available = ([...CODEC_NAMES, "sparse"] as const).filter((name) => {
  try {
    return !getCodec(name).needsBasis;
  } catch {
    return false;
  }
});

const settings = { effort: 5, windowBits: 18 };

test("brotli and deflate are there on every Node", () => {
  for (const name of ["none", "deflate", "brotli"] as const) assert.ok(available.includes(name), name);
});

for (const name of available) {
  test(`${name}: segments of any sizes come back, in order`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 300 }),
            fc.nat(200_000).map((n) => new Uint8Array(n).fill(n & 7)),
          ),
        ),
        async (segments) => {
          const encoder = getCodec(name).createEncoder(settings);
          const decoder = getCodec(name).createDecoder();
          for (const raw of segments) {
            const coded = await encoder.encode(raw);
            const back = Buffer.alloc(raw.length);
            await decoder.decode(coded, back);
            assert.deepEqual(back, Buffer.from(raw));
          }
          encoder.close();
          decoder.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  if (name !== "none") {
    test(`${name}: a later segment refers to an earlier one`, async () => {
      const raw = new Uint8Array(20_000).map((_, i) => (i * i * 7919) >>> 5);
      const encoder = getCodec(name).createEncoder(settings);
      const first = await encoder.encode(raw);
      const second = await encoder.encode(raw);
      encoder.close();
      assert.ok(second.length * 10 < first.length, `${second.length} against ${first.length}`);
    });
  }

  test(`${name}: bytes that stand alone come back, and are refused in another length`, async () => {
    const codec = getCodec(name);
    const raw = new Uint8Array(200_000).map((_, i) => (i % 911) & 255);
    const coded = await encodeAlone(codec, raw, settings);
    const back = new Uint8Array(raw.length);
    await decodeAlone(codec, coded, back);
    assert.deepEqual(back, raw);
    for (const [bytes, length] of [
      [coded, raw.length - 1],
      [coded, raw.length + 1],
      [coded.subarray(0, coded.length >> 1), raw.length],
    ] as const) {
      await assert.rejects(decodeAlone(codec, bytes, new Uint8Array(length)), {
        code: ErrorCode.CORRUPT_BODY,
      });
    }
  });

  test(`${name}: a wrong length and damaged bytes are refused by code`, async () => {
    const raw = new TextEncoder().encode(
      "the quick brown fox jumps over the lazy dog, again and again and again",
    );
    const encoder = getCodec(name).createEncoder(settings);
    const coded = await encoder.encode(raw);
    encoder.close();
    const refuses = async (bytes: Uint8Array, length: number): Promise<void> => {
      const decoder = getCodec(name).createDecoder();
      await assert.rejects(decoder.decode(bytes, new Uint8Array(length)), (error) => {
        return isFlatdeltaError(error) && error.code === ErrorCode.CORRUPT_BODY;
      });
      decoder.close();
    };
    if (name !== "lz") {
      await refuses(coded, raw.length - 1);
      await refuses(coded, raw.length + 1);
    }
    // A byte more or less may cost codec lz nothing; what a segment's bytes are is checked by the window's checksum.
    await refuses(coded, raw.length >> 1);
    await refuses(coded, raw.length + 30);
    await refuses(coded.subarray(0, coded.length >> 1), raw.length);
  });

  if (name !== "none") {
    test(`${name}: a bomb stops at the length that was declared`, async () => {
      const encoder = getCodec(name).createEncoder(settings);
      const coded = await encoder.encode(new Uint8Array(50_000_000));
      encoder.close();
      const decoder = getCodec(name).createDecoder();
      const before = process.memoryUsage().arrayBuffers;
      await assert.rejects(decoder.decode(coded, new Uint8Array(1000)), { code: ErrorCode.CORRUPT_BODY });
      assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000);
      decoder.close();
    });
  }
}

for (const name of available) {
  test(`${name}: segments that cannot be compressed come back, behind dictionaries of any length`, async () => {
    for (const first of [1, 8, 300, 40_000]) {
      const encoder = getCodec(name).createEncoder({ effort: 1, windowBits: 18 });
      const decoder = getCodec(name).createDecoder();
      for (const length of [first, 308, 5000, 70_000]) {
        const raw = randomBytes(length);
        const back = Buffer.alloc(length);
        await decoder.decode(await encoder.encode(raw), back);
        assert.deepEqual(back, raw);
      }
      encoder.close();
      decoder.close();
    }
  });
}

test("an unknown codec is refused by name", () => {
  assert.throws(() => getCodecById(99), { code: ErrorCode.UNSUPPORTED_CODEC });
  assert.throws(() => getCodec("lzma" as never), { code: ErrorCode.UNSUPPORTED_CODEC });
});
