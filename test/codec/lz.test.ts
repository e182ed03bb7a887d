import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { concatBytes } from "../../src/bytes/index.ts";
import { getCodec } from "../../src/codec/index.ts";
import {
  createLzDecoder,
  createLzEncoder,
  createLzFinder,
  createLzParser,
  type FoundMatches,
  lzDecoderMemoryBytes,
  MAX_LZ_HISTORY_BYTES,
} from "../../src/codec/lz/index.ts";
import { instantiateLz } from "../../src/codec/lz/load.ts";
import { ReferenceDecoder } from "../../src/codec/lz/reference.ts";
import { ErrorCode, FormatError } from "../../src/errors.ts";
import { noise } from "./mix-data.ts";

const SETTINGS = { effort: 5, windowBits: 16 };

/** Bytes in which strings come again, some of them changed a little, with noise and runs between. */
function lively(bytes: number, seed: number): Uint8Array {
  const next = noise(seed);
  const made = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const length = Math.min(bytes - at, 1 + (next() % (next() % 8 === 0 ? 5000 : 40)));
    const kind = next() % 8;
    if (kind < 5 && at > 0) {
      const distance = 1 + (next() % Math.min(at, kind < 2 ? 100 : 2 ** 20));
      for (let i = 0; i < length; i++) made[at + i] = made[at + i - distance]!;
      if (kind === 4) made[at + (length >> 1)] = next();
    } else if (kind < 7) {
      for (let i = 0; i < Math.min(length, 12); i++) made[at + i] = 97 + (next() % 7) * (next() % 5);
    } else made.fill(next(), at, at + length);
    at += length;
  }
  return made;
}

/** Segments of several kinds and lengths. */
const segment = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 300, 2000, 9000),
    fc.nat(0x7fffffff),
    fc.constantFrom("lively", "noise", "equal", "period"),
  )
  .map(([bytes, seed, kind]) => {
    if (kind === "lively") return lively(bytes, seed);
    const next = noise(seed);
    if (kind === "noise") return Uint8Array.from({ length: bytes }, () => next());
    if (kind === "equal") return new Uint8Array(bytes).fill(seed);
    return Uint8Array.from({ length: bytes }, (_, i) => (i % (2 + (seed % 7))) * 31);
  });

async function checkRoundTrip(
  segments: readonly Uint8Array[],
  effort: number,
  history?: Uint8Array,
): Promise<Uint8Array[]> {
  const encoder = await createLzEncoder({ ...SETTINGS, effort });
  const decoder = await createLzDecoder(SETTINGS.windowBits);
  const decoders = [decoder, new ReferenceDecoder()];
  if (history !== undefined) for (const side of [encoder, ...decoders]) side.prime(history);
  const coded = segments.map((raw, i) => {
    const segment = encoder.encode(raw);
    for (const each of decoders) {
      assert.ok(Buffer.from(each.decode(segment, raw.length)).equals(raw), `segment ${i}`);
    }
    return segment;
  });
  encoder.close();
  decoder.close();
  return coded;
}

/** Check that an encoder in two parts codes what the whole one does. */
async function checkParts(
  segments: readonly Uint8Array[],
  effort: number,
  history?: Uint8Array,
): Promise<void> {
  const settings = { ...SETTINGS, effort };
  const whole = await createLzEncoder(settings);
  const finder = await createLzFinder(settings);
  const parser = await createLzParser(settings);
  if (history !== undefined) for (const part of [whole, finder, parser]) part.prime(history);
  // The finder is ahead by all segments.
  const found = segments.map((raw) => finder.find(raw));
  for (const [i, raw] of segments.entries()) {
    assert.ok(Buffer.from(parser.encode(raw, found[i]!)).equals(whole.encode(raw)), `segment ${i}`);
  }
  for (const part of [whole, finder, parser]) part.close();
}

/** The same matches, those of the last places in a chunk of their own. */
function cutLast(found: FoundMatches, places: number): FoundMatches {
  const { records, to } = found.at(-1)!;
  const starts: number[] = [];
  for (let at = 0; at < records.length; at += 1 + 6 * records[at]!) starts.push(at);
  const cut = starts.at(-places)!;
  return [
    ...found.slice(0, -1),
    { records: records.slice(0, cut), to: to - places },
    { records: records.slice(cut), to },
  ];
}

describe("literal coder in two parts", () => {
  it("codes the bytes of the whole", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        fc.option(segment, { nil: undefined }),
        checkParts,
      ),
      { numRuns: 60 },
    );
  });

  it("does so over pieces, chunks and windows", async () => {
    for (const effort of [3, 7, 9]) {
      await checkParts([lively(2_300_000, 5), lively(70_000, 6), lively(1_048_577, 7)], effort);
    }
    const next = noise(9);
    await checkParts([Uint8Array.from({ length: 1_500_000 }, () => next() & 3)], 9);
  });

  it("does so where a long match passes over the last chunk of a segment", async () => {
    // The longest match takes 4,097 places, and 4,096 are asked for at once.
    const next = noise(5);
    const text = Uint8Array.from({ length: 9000 }, () => next());
    const settings = { ...SETTINGS, effort: 3 };
    const whole = await createLzEncoder(settings);
    const finder = await createLzFinder(settings);
    const parser = await createLzParser(settings);
    for (const raw of [concatBytes([text, text.subarray(0, 2 * 4097)]), lively(3000, 6)]) {
      const found = cutLast(finder.find(raw), 1);
      assert.ok(Buffer.from(parser.encode(raw, found)).equals(whole.encode(raw)));
    }
  });

  it("refuses segments once it is closed", async () => {
    const finder = await createLzFinder(SETTINGS);
    const parser = await createLzParser(SETTINGS);
    const found = finder.find(lively(100, 1));
    for (const part of [finder, parser]) part.close();
    assert.throws(() => finder.find(lively(100, 1)), TypeError);
    assert.throws(() => parser.encode(lively(100, 1), found), TypeError);
  });
});

describe("literal coder", () => {
  it("decodes what it encoded, segment by segment, with every effort, as the reference does", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.option(segment, { nil: undefined }),
        async (list, effort, history) => {
          await checkRoundTrip(list, effort, history);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("codes an empty segment as nothing, and any other with a byte at its end", async () => {
    const [empty, one, again] = await checkRoundTrip(
      [new Uint8Array(0), Uint8Array.of(7), Uint8Array.of(7)],
      7,
    );
    assert.equal(empty!.length, 0);
    assert.ok(one!.length <= 3, `${one!.length}`);
    assert.ok(again!.length <= 2, `${again!.length}`);
  });

  it("decodes when ring and buffer have come round many times, and segments are longer than a piece", async () => {
    const raw = lively(7_500_000, 3);
    for (const [effort, windowBits] of [
      [5, 15],
      [2, 20],
    ] as const) {
      const encoder = await createLzEncoder({ effort, windowBits });
      const decoder = await createLzDecoder(windowBits);
      for (const [from, to] of [
        [0, 1_048_577],
        [1_048_577, 1_048_580],
        [1_048_580, 5_300_000],
        [5_300_000, 7_500_000],
      ] as const) {
        const part = raw.subarray(from, to);
        const coded = encoder.encode(part);
        assert.ok(Buffer.from(decoder.decode(coded, part.length)).equals(part), `${windowBits} ${from}`);
      }
    }
  });

  it("finds no match that is none, where strings are cut off at segments' ends", async () => {
    // Words of few letters: many strings are equal for long, and differ where the encoder could not look yet.
    const next = noise(7);
    const words = Array.from({ length: 40 }, () =>
      Uint8Array.from({ length: 1 + (next() % 60) }, () => 97 + (next() % 3)),
    );
    const encoder = await createLzEncoder({ effort: 9, windowBits: 18 });
    const decoder = await createLzDecoder(18);
    for (let i = 0; i < 3000; i++) {
      const raw = Buffer.concat(Array.from({ length: 1 + (next() % 6) }, () => words[next() % 40]!));
      assert.ok(Buffer.from(decoder.decode(encoder.encode(raw), raw.length)).equals(raw), `segment ${i}`);
    }
  });

  it("keeps to its window and uses all of it", async () => {
    const block = Uint8Array.from({ length: 4000 }, noise(5));
    const cost = async (distance: number): Promise<number> => {
      const encoder = await createLzEncoder(SETTINGS);
      const between = new Uint8Array(distance - block.length);
      encoder.encode(block);
      encoder.encode(between);
      return encoder.encode(block).length;
    };
    assert.ok((await cost(2 ** 16 - 1)) < 30);
    // Far less than 4000: the contexts of a literal remember what the window has lost.
    assert.ok((await cost(2 ** 16)) > 300);
  });

  it("makes little of bytes that are much like the history", async () => {
    const history = lively(60_000, 11).subarray(0, 40_000);
    const edited = history.slice(15_000, 17_000);
    edited[700] = edited[700]! ^ 1;
    const [alone] = await checkRoundTrip([edited], 7);
    const [primed] = await checkRoundTrip([edited], 7, history);
    assert.ok(primed!.length <= 16, `${primed!.length} bytes`);
    assert.ok(alone!.length > 5 * primed!.length, `${alone!.length} against ${primed!.length} bytes`);
  });

  it("stores what cannot be compressed, learns nothing from it, and refers to it", async () => {
    const next = noise(9);
    const makeNoise = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, () => next());
    const text = lively(20_000, 4);
    const stored = makeNoise(9000);
    const before = lively(5000, 5);
    const coded = await checkRoundTrip([before, stored, stored.subarray(100, 8000), text], 7);
    assert.deepEqual(Buffer.from(coded[1]!), Buffer.from(stored));
    assert.ok(coded[2]!.length < 30, `${coded[2]!.length}`);
    // One match of another distance is all that its model knows more.
    const [, without] = await checkRoundTrip([before, text], 7);
    const more = coded[3]!.length - without!.length;
    assert.ok(Math.abs(more) < 60, `${more}`);
  });

  it("stores no segment of less than 4,096 bytes, and of others those that would be no shorter by a 128th", async () => {
    const next = noise(10);
    const encodedBytes = async (noisy: number, equal: number): Promise<number> => {
      const raw = new Uint8Array(noisy + equal);
      for (let at = 0; at < noisy; at++) raw[at] = next();
      const [coded] = await checkRoundTrip([raw], 5);
      return coded!.length;
    };
    assert.notEqual(await encodedBytes(4095, 0), 4095);
    assert.equal(await encodedBytes(4096, 0), 4096);
    assert.equal(await encodedBytes(30_000, 100), 30_100);
    assert.ok((await encodedBytes(30_000, 3000)) < 31_000);
  });

  it("stores segments longer than a piece and than the window", async () => {
    const next = noise(11);
    const raw = Uint8Array.from({ length: 2_400_003 }, () => next());
    const encoder = await createLzEncoder({ effort: 2, windowBits: 16 });
    const decoder = await createLzDecoder(16);
    for (const part of [lively(3000, 1), raw, lively(70_000, 2), raw.subarray(2_390_000)]) {
      const coded = encoder.encode(part);
      assert.ok(Buffer.from(decoder.decode(coded, part.length)).equals(part), `${part.length}`);
    }
  });

  it("makes the same bytes everywhere", async () => {
    const encoder = await createLzEncoder({ effort: 9, windowBits: 20 });
    const hash = createHash("sha256");
    for (const seed of [1, 2, 3]) hash.update(encoder.encode(lively(60_000, seed)));
    assert.equal(hash.digest("hex"), "c9f0e47eed356ebc97485b503bb546aea14df69f71e3e611b404a5efb89a16b9");
  });

  it("refuses segments that are cut off, longer, or of quite another length", async () => {
    const raw = lively(3000, 21);
    const coded = (await createLzEncoder(SETTINGS)).encode(raw);
    const refuses = async (bytes: Uint8Array, length: number, found: RegExp): Promise<void> => {
      const decoder = await createLzDecoder(SETTINGS.windowBits);
      assert.throws(
        () => decoder.decode(bytes, length),
        (error) =>
          error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY && found.test(error.message),
      );
      decoder.close();
      assert.throws(() => new ReferenceDecoder().decode(bytes, length), { code: ErrorCode.CORRUPT_BODY });
    };
    // Without its last byte a segment may pass: what follows is read as zeros, and the checksum of what it makes must tell.
    for (let length = 0; length < coded.length - 1; length++) {
      await refuses(coded.subarray(0, length), raw.length, /expected/u);
    }
    await refuses(Uint8Array.of(...coded, 0), raw.length, /expected \d+ coded bytes, found \d+/u);
    await refuses(coded, raw.length >> 1, /expected/u);
    await refuses(coded, raw.length * 100, /expected/u);
    await refuses(coded, 0, /expected no coded bytes, found \d+/u);
    await refuses(new Uint8Array(0), 1, /expected/u);
  });

  it("refuses a match of bytes that never were", async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed < 60; seed++) {
      const coded = Uint8Array.from({ length: 400 }, noise(seed));
      try {
        (await createLzDecoder(20)).decode(coded, 400);
      } catch (error) {
        assert.ok(error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY, `${error}`);
        seen.add(error.message.replace(/\d+/gu, "n"));
      }
    }
    assert.ok(
      [...seen].some((message) => message.includes("within what is known")),
      [...seen].join("\n"),
    );
  });

  it("ends on damaged bytes with an error by code or with as many bytes as asked for", async () => {
    const raw = lively(20_000, 31);
    const coded = (await createLzEncoder(SETTINGS)).encode(raw);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(coded.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1 }),
        async (flips) => {
          const damaged = coded.slice();
          for (const [at, change] of flips) damaged[at] = damaged[at]! ^ change;
          const results = [await createLzDecoder(25), new ReferenceDecoder()].map((decoder) => {
            try {
              return Buffer.from(decoder.decode(damaged, raw.length)).toString("latin1");
            } catch (error) {
              assert.ok(error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY, `${error}`);
              return "refused";
            }
          });
          assert.ok(results[0] === "refused" || results[0]!.length === raw.length);
          assert.ok(results[0] === results[1], "both decoders take it alike");
        },
      ),
      { numRuns: 40 },
    );
  });

  it("reads and writes nothing behind the window while it decodes damaged bytes", async () => {
    const { kernels, coded, codedBytes, modelEnd } = await instantiateLz();
    const ring = 2 ** 20;
    kernels.memory.grow(Math.ceil(ring / 65_536) + 2);
    kernels.prepareDecoder(20);
    const memory = new Uint8Array(kernels.memory.buffer);
    memory.fill(0xa5, modelEnd + ring);
    const next = noise(77);
    let position = 0;
    for (let round = 0; round < 300; round++) {
      for (let i = 0; i < 4000; i++) memory[coded + i] = next();
      memory.fill(0, coded + 4000, coded + codedBytes);
      kernels.startCoder(1);
      const outcome = kernels.decodePiece(position + 50_000);
      if (outcome === 0) position += 50_000;
      else break;
    }
    assert.ok(memory.subarray(modelEnd + ring).every((byte) => byte === 0xa5));
  });

  it("keeps a decoder's memory within what it says, and lets it grow with what is made", async () => {
    const raw = lively(3_000_000, 41);
    const settings = { effort: 1, windowBits: 21 };
    const coded = (await createLzEncoder(settings)).encode(raw);
    const before = process.memoryUsage().arrayBuffers;
    const decoder = await createLzDecoder(21);
    const opened = process.memoryUsage().arrayBuffers;
    assert.ok(opened - before < lzDecoderMemoryBytes(15), `${opened - before} before the first byte`);
    decoder.decode(coded, raw.length);
    const { modelEnd } = await instantiateLz();
    assert.ok(modelEnd + 2 ** 21 <= lzDecoderMemoryBytes(21));
  });

  it("takes as large a window as the declared memory allows", async () => {
    const block = Uint8Array.from({ length: 4000 }, noise(5));
    const codec = getCodec("lz");
    const encoder = codec.createEncoder({ effort: 2, windowBits: 22 });
    const segments = [block, new Uint8Array(3_000_000), block];
    const coded: Uint8Array[] = [];
    for (const raw of segments) coded.push(await encoder.encode(raw));
    encoder.close();
    assert.ok(coded[2]!.length < 100);
    const decodeAll = async (memoryBytes: number): Promise<void> => {
      const decoder = codec.createDecoder(memoryBytes);
      for (const [i, raw] of segments.entries()) {
        const back = Buffer.alloc(raw.length);
        await decoder.decode(coded[i]!, back);
        assert.ok(back.equals(raw));
      }
    };
    await decodeAll(codec.decoderMemoryBytes(22));
    await assert.rejects(decodeAll(codec.decoderMemoryBytes(22) - 1), { code: ErrorCode.CORRUPT_BODY });
  });

  it("refuses settings and calls that make no sense", async () => {
    await assert.rejects(createLzEncoder({ effort: 5, windowBits: 14 }), RangeError);
    await assert.rejects(createLzEncoder({ effort: 5, windowBits: 26 }), RangeError);
    await assert.rejects(createLzEncoder({ effort: 10, windowBits: 20 }), RangeError);
    for (const side of [await createLzEncoder(SETTINGS), await createLzDecoder(16)]) {
      assert.throws(() => side.prime(new Uint8Array(MAX_LZ_HISTORY_BYTES + 1)), RangeError);
      side.prime(new Uint8Array(5));
      assert.throws(() => side.prime(new Uint8Array(5)), TypeError);
      side.close();
      assert.throws(() => side.prime(new Uint8Array(5)), TypeError);
    }
    const encoder = await createLzEncoder(SETTINGS);
    encoder.close();
    assert.throws(() => encoder.encode(Uint8Array.of(1)), TypeError);
    const decoder = await createLzDecoder(16);
    decoder.close();
    assert.throws(() => decoder.decode(Uint8Array.of(1), 1), TypeError);
  });
});
