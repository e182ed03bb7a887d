import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { ImageError } from "../../src/errors.ts";
import { type Decoders, detectCompression, spoolDecompressed } from "../../src/image/decompress.ts";
import { ExpansionMeter, fillLimits } from "../../src/image/limits.ts";
import { memoryScratch, memorySource, readRange, type ScratchSpace } from "../../src/io/index.ts";
import { ZSTD_LAYER, ZSTD_TWO_FRAMES } from "./zstd-fixture.ts";

const bothDecoders: readonly Decoders[] = ["native", "portable"];

const meterOf = (decompressedBytes: number): ExpansionMeter =>
  new ExpansionMeter(fillLimits({ decompressedBytes }));

async function decompress(bytes: Uint8Array, decoders: Decoders, maxBytes?: number): Promise<Uint8Array> {
  const source = memorySource(bytes);
  const { source: out, release } = await spoolDecompressed(source, await detectCompression(source), {
    scratch: memoryScratch,
    decoders,
    ...(maxBytes === undefined ? {} : { meter: meterOf(maxBytes) }),
  });
  const all = await readRange(out, 0, out.size);
  await release();
  return all;
}

/** Scratch space that counts what is not given back. */
function countedScratch(): { scratch: ScratchSpace; held: () => number } {
  let held = 0;
  return {
    held: () => held,
    scratch: async () => {
      const file = await memoryScratch();
      held++;
      let released = false;
      return {
        ...file,
        release: async () => {
          if (!released) held--;
          released = true;
          await file.release();
        },
      };
    },
  };
}

test("compression is recognised by content", async () => {
  const detect = (...bytes: number[]): Promise<string> =>
    detectCompression(memorySource(new Uint8Array(bytes)));
  assert.equal(await detect(0x1f, 0x8b, 8, 0), "gzip");
  assert.equal(await detect(0x28, 0xb5, 0x2f, 0xfd), "zstd");
  assert.equal(await detect(0x5f, 0x2a, 0x4d, 0x18), "zstd");
  assert.equal(await detect(), "none");
  assert.equal(await detect(0x1f, 0x8b), "none");
  await assert.rejects(detect(0x42, 0x5a, 0x68, 0x39), { code: "UNSUPPORTED_FEATURE", message: /bzip2/ });
  await assert.rejects(detect(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), {
    code: "UNSUPPORTED_FEATURE",
    message: /xz/,
  });
});

for (const decoders of bothDecoders) {
  test(`gzip of several members (${decoders})`, async () => {
    const parts = [randomBytes(300_000), Buffer.alloc(3_000_000, "ab"), Buffer.alloc(0), randomBytes(5)];
    const compressed = Buffer.concat(parts.map((part) => gzipSync(part)));
    assert.deepEqual(Buffer.from(await decompress(compressed, decoders)), Buffer.concat(parts));
  });

  test(`zstd of one frame, and of frames with skippable ones between (${decoders})`, async () => {
    const layer = await decompress(ZSTD_LAYER.bytes, decoders);
    assert.equal(layer.length, ZSTD_LAYER.contentBytes);
    assert.deepEqual(await decompress(ZSTD_TWO_FRAMES, decoders), layer);
    const skippable = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7]);
    assert.deepEqual(
      await decompress(Buffer.concat([skippable, ZSTD_LAYER.bytes, skippable]), decoders),
      layer,
    );
  });

  test(`output over the limit is refused and its scratch space given back (${decoders})`, async () => {
    for (const bytes of [gzipSync(Buffer.alloc(100_000)), ZSTD_LAYER.bytes]) {
      const source = memorySource(bytes);
      const { scratch, held } = countedScratch();
      const options = { scratch, decoders, meter: meterOf(3_000) };
      await assert.rejects(spoolDecompressed(source, await detectCompression(source), options), {
        code: "SIZE_LIMIT",
      });
      assert.equal(held(), 0);
    }
    assert.equal(
      (await decompress(ZSTD_LAYER.bytes, decoders, ZSTD_LAYER.contentBytes)).length,
      ZSTD_LAYER.contentBytes,
    );
  });

  test(`zstd: each byte flipped is an error or the same output, each truncation an error (${decoders})`, async () => {
    const whole = await decompress(ZSTD_LAYER.bytes, decoders);
    for (const fixture of [ZSTD_LAYER.bytes, ZSTD_TWO_FRAMES]) {
      for (let at = 4; at < fixture.length; at++) {
        const cut = await decompress(fixture.subarray(0, at), decoders).catch((error: unknown) => error);
        // Between two frames the data may end.
        if (cut instanceof Uint8Array) assert.deepEqual(cut, whole.subarray(0, 1000), `cut at ${at}`);
        else assert.equal((cut as ImageError).code, "BAD_COMPRESSION", `cut at ${at}`);
      }
    }
    for (let at = 4; at < ZSTD_LAYER.bytes.length; at++) {
      const flipped = ZSTD_LAYER.bytes.slice();
      flipped[at]! ^= 0x10;
      const outcome = await decompress(flipped, decoders, 2 ** 24).catch((error: unknown) => error);
      if (outcome instanceof Uint8Array) assert.deepEqual(outcome, whole, `byte ${at}`);
      else
        assert.match(
          (outcome as ImageError).code,
          /^(BAD_COMPRESSION|MEMORY_LIMIT|UNSUPPORTED_FEATURE)$/,
          `byte ${at}`,
        );
    }
  });

  test(`an error of the source comes through as it is (${decoders})`, async () => {
    const failure = new Error("the disk is gone");
    for (const bytes of [gzipSync(randomBytes(1000)), ZSTD_LAYER.bytes]) {
      const source = {
        size: bytes.length,
        read: async (offset: number, into: Uint8Array) => {
          if (into.length > 6) throw failure;
          into.set(bytes.subarray(offset, offset + into.length));
        },
      };
      const compression = await detectCompression(source);
      await assert.rejects(
        spoolDecompressed(source, compression, { scratch: memoryScratch, decoders }),
        failure,
      );
    }
  });
}

test("gzip: each truncation is an error with node:zlib, and never makes more or other bytes with fflate", async () => {
  const content = Buffer.concat([Buffer.alloc(5_000, "abcdefg"), randomBytes(300)]);
  const bytes = gzipSync(content);
  for (let length = 10; length < bytes.length; length++) {
    await assert.rejects(decompress(bytes.subarray(0, length), "native"), { code: "BAD_COMPRESSION" });
    const portable = await decompress(bytes.subarray(0, length), "portable").catch((error: unknown) => error);
    if (portable instanceof Uint8Array)
      assert.ok(content.subarray(0, portable.length).equals(portable), `${length}`);
    else assert.equal((portable as ImageError).code, "BAD_COMPRESSION", `${length}`);
  }
});

test("an aborted decompression rejects with the reason", async () => {
  const source = memorySource(gzipSync(randomBytes(5_000_000)));
  const reason = new Error("enough");
  const controller = new AbortController();
  const spooling = spoolDecompressed(source, "gzip", {
    scratch: memoryScratch,
    signal: controller.signal,
    onCompressed: () => controller.abort(reason),
  });
  await assert.rejects(spooling, reason);
});

test("zstd windows over 128 MiB and dictionaries are refused", async () => {
  const frame = (...bytes: number[]): Uint8Array =>
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, ...bytes, 1, 0, 0]);
  await assert.rejects(decompress(frame(0, (17 << 3) | 1), "portable"), { code: "MEMORY_LIMIT" });
  assert.equal((await decompress(frame(0, 17 << 3), "portable")).length, 0);
  await assert.rejects(decompress(frame(1, 0, 9), "portable"), { code: "UNSUPPORTED_FEATURE" });
});

test("gzip round trip of any bytes", async () => {
  const members = fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(members, fc.constantFrom(...bothDecoders), async (parts, decoders) => {
      const compressed = Buffer.concat(parts.map((part) => gzipSync(part)));
      assert.deepEqual(Buffer.from(await decompress(compressed, decoders)), Buffer.concat(parts));
    }),
    { numRuns: 50 },
  );
});
