import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../src/bytes/index.ts";
import { getCodec } from "../../src/codec/index.ts";
import { createLzEncoder } from "../../src/codec/lz/index.ts";
import { WASM_BASE64 } from "../../src/codec/text/generated.ts";
import {
  createTextDecoder,
  createTextEncoder,
  MAX_TEXT_SEGMENT_BYTES,
  TEXT_CODER_MEMORY_BYTES,
} from "../../src/codec/text/index.ts";
import { ReferenceTextDecoder } from "../../src/codec/text/reference.ts";
import { ErrorCode, FormatError } from "../../src/errors.ts";
import { noise } from "./mix-data.ts";
import { instantiateWithin } from "./wasm-imports.ts";

const NAMES = ["order", "total", "voucher", "lines", "quantity", "customer", "price", "rate"];

/** Lines of a program. */
function makeSource(lines: number, seed: number): Uint8Array {
  const next = noise(seed);
  const name = (): string => NAMES[(next() >>> 5) % NAMES.length]!;
  return encodeUtf8(
    Array.from({ length: lines }, () => {
      const [a, b] = [name(), name()];
      return next() % 3 === 0
        ? `function ${a}Of(${b}) {\n  return ${b}.${a} * ${next() % 100};\n}\n`
        : `const ${a} = ${b}Of(${name()}) + ${next() % 1000}; // ${b} as “${a}”\n`;
    }).join(""),
  );
}

const texts = fc.array(fc.constantFrom(...NAMES, " ", "\n", "é", ".", "_9", "\0"), { maxLength: 120 });
const segmentsOfAll = fc.array(
  fc.oneof(
    texts.map((words) => encodeUtf8(words.join(""))),
    fc.uint8Array({ maxLength: 200 }),
  ),
  { maxLength: 4 },
);

async function encodeAll(
  segments: readonly Uint8Array[],
  history: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array[]> {
  const encoder = await createTextEncoder();
  encoder.prime(history);
  const coded = segments.map((segment) => encoder.encode(segment));
  encoder.close();
  return coded;
}

async function checkRoundTrip(segments: readonly Uint8Array[], history?: Uint8Array): Promise<Uint8Array[]> {
  const coded = await encodeAll(segments, history);
  const decoder = await createTextDecoder();
  if (history !== undefined) decoder.prime(history);
  for (const [i, segment] of segments.entries()) {
    const into = new Uint8Array(segment.length);
    decoder.decodeInto(coded[i]!, into);
    assert.ok(Buffer.from(into).equals(segment), `segment ${i}`);
  }
  decoder.close();
  return coded;
}

describe("text coder", () => {
  it("decodes what it encoded, text and other bytes, behind any history", async () => {
    await fc.assert(
      fc.asyncProperty(segmentsOfAll, fc.uint8Array({ maxLength: 60 }), async (segments, history) => {
        await checkRoundTrip(segments, history);
      }),
      { numRuns: 40 },
    );
  });

  it("takes segments and history of the largest size, and more bytes than it keeps", async () => {
    const next = noise(7);
    const random = Uint8Array.from({ length: MAX_TEXT_SEGMENT_BYTES }, () => next() >>> 9);
    const source = makeSource(40_000, 3).subarray(0, MAX_TEXT_SEGMENT_BYTES);
    const coded = await checkRoundTrip(
      [random, source, random.subarray(-9000), source.subarray(-9000)],
      source,
    );
    assert.ok(coded[0]!.length <= MAX_TEXT_SEGMENT_BYTES * 1.01, `${coded[0]!.length}`);
    assert.ok(coded[3]!.length < 100, `${coded[3]!.length}`);
  });

  it("makes the same bytes on every machine, and fewer of the second segment", async () => {
    const source = makeSource(300, 1);
    const coded = await encodeAll([source, source, new Uint8Array(0), Uint8Array.of(255)]);
    const digest = createHash("sha256").update(Buffer.concat(coded)).digest("hex");
    assert.deepEqual(
      [source.length, coded.map(({ length }) => length), digest],
      [18_553, [1347, 13, 0, 3], "f533657fc67f8386fa314789ad130f1a95de31c4d7439ecdc165ea2a63a3c9a6"],
    );
  });

  it("needs fewer bytes for text than lz, with history and without", async () => {
    const [source, history] = [makeSource(60, 1), makeSource(200, 2)];
    for (const known of [new Uint8Array(0), history]) {
      const lz = await createLzEncoder({ effort: 9, windowBits: 20 });
      if (known.length > 0) lz.prime(known);
      const [coded] = await encodeAll([source], known);
      const lzBytes = lz.encode(source).length;
      assert.ok(coded!.length < 0.95 * lzBytes, `${coded!.length} and ${lzBytes}`);
    }
  });

  it("keeps the memory that it says", () => {
    const exports = instantiateWithin(WASM_BASE64, TEXT_CODER_MEMORY_BYTES);
    assert.equal((exports.MAX_SEGMENT_BYTES as WebAssembly.Global).value, MAX_TEXT_SEGMENT_BYTES);
  });

  it("refuses segments and history over the limit, and history behind a segment", async () => {
    const long = new Uint8Array(MAX_TEXT_SEGMENT_BYTES + 1);
    const encoder = await createTextEncoder();
    assert.throws(() => encoder.encode(long), RangeError);
    assert.throws(() => encoder.prime(long), RangeError);
    const decoder = await createTextDecoder();
    assert.throws(() => decoder.decodeInto(new Uint8Array(9), long), { code: ErrorCode.CORRUPT_BODY });
    assert.throws(() => decoder.decodeInto(new Uint8Array(1), new Uint8Array(0)), {
      code: ErrorCode.CORRUPT_BODY,
    });
    encoder.encode(Uint8Array.of(1));
    assert.throws(() => encoder.prime(Uint8Array.of(1)), TypeError);
  });

  it("is a codec", async () => {
    const codec = getCodec("text");
    const [encoder, decoder] = [codec.createEncoder({ effort: 7, windowBits: 20 }), codec.createDecoder()];
    const history = makeSource(5, 8);
    await encoder.prime!(history);
    await decoder.prime!(history);
    for (const segment of [makeSource(9, 1), new Uint8Array(0), Uint8Array.of(0, 0)]) {
      const coded = await encoder.encode(segment);
      const decoded = new Uint8Array(segment.length);
      await decoder.decode(coded, decoded);
      assert.deepEqual(decoded, segment);
    }
    encoder.close();
    decoder.close();
  });
});

describe("reference decoder of text", () => {
  it("decodes what the WASM encoded", async () => {
    await fc.assert(
      fc.asyncProperty(segmentsOfAll, fc.uint8Array({ maxLength: 60 }), async (segments, history) => {
        const coded = await encodeAll(segments, history);
        const decoder = new ReferenceTextDecoder();
        decoder.prime(history);
        for (const [i, segment] of segments.entries()) {
          assert.ok(Buffer.from(decoder.decode(coded[i]!, segment.length)).equals(segment), `segment ${i}`);
        }
      }),
      { numRuns: 15 },
    );
    const segments = [makeSource(300, 5), Uint8Array.of(255, 255), makeSource(300, 5), makeSource(30, 6)];
    const coded = await encodeAll(segments, makeSource(40, 7));
    const decoder = new ReferenceTextDecoder();
    decoder.prime(makeSource(40, 7));
    for (const [i, segment] of segments.entries()) {
      assert.ok(
        Buffer.from(decoder.decode(coded[i]!, segment.length)).equals(segment),
        `source, segment ${i}`,
      );
    }
  });

  it("makes of damaged bytes what the WASM makes of them", async () => {
    const source = makeSource(20, 9);
    const [coded] = await encodeAll([source]);
    const decodeBy = (decode: (into: Uint8Array) => Uint8Array) => {
      try {
        return Buffer.from(decode(new Uint8Array(source.length))).toString("hex");
      } catch (error) {
        assert.ok(error instanceof FormatError);
        return error.code;
      }
    };
    for (let at = 0; at < coded!.length; at += 9) {
      const damaged = coded!.slice();
      damaged[at]! ^= 1 << (at % 8);
      const decoder = await createTextDecoder();
      const byWasm = decodeBy((into) => {
        decoder.decodeInto(damaged, into);
        return into;
      });
      decoder.close();
      assert.equal(
        byWasm,
        decodeBy((into) => new ReferenceTextDecoder().decode(damaged, into.length)),
        `byte ${at}`,
      );
    }
  });
});

describe("damaged text", () => {
  it("is decoded to as many bytes or refused, whatever is flipped, cut off or added", async () => {
    const source = makeSource(40, 4);
    const [coded] = await encodeAll([source]);
    const decodeDamaged = async (bytes: Uint8Array): Promise<Uint8Array | undefined> => {
      const decoder = await createTextDecoder();
      const into = new Uint8Array(source.length);
      try {
        decoder.decodeInto(bytes, into);
        return into;
      } catch (error) {
        assert.ok(error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY, String(error));
        return undefined;
      } finally {
        decoder.close();
      }
    };
    for (let at = 0; at < coded!.length; at += 11) {
      const damaged = coded!.slice();
      damaged[at]! ^= 1 << (at % 7);
      await decodeDamaged(damaged);
      const cut = await decodeDamaged(coded!.subarray(0, at));
      if (cut !== undefined) assert.ok(!Buffer.from(cut).equals(source), `cut off after ${at}`);
    }
    assert.equal(await decodeDamaged(Buffer.concat([coded!, Uint8Array.of(0)])), undefined);
  });
});
