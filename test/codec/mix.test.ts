import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { WASM_BASE64 } from "../../src/codec/mix/generated.ts";
import {
  createResidualDecoder,
  createResidualEncoder,
  MAX_RESIDUAL_SEGMENT_BYTES,
  RESIDUAL_CODER_MEMORY_BYTES,
} from "../../src/codec/mix/index.ts";
import { ReferenceDecoder } from "../../src/codec/mix/reference.ts";
import { ErrorCode, FormatError } from "../../src/errors.ts";
import { armSegment, noise, type Segment, syntheticSegment, syntheticSpans } from "./mix-data.ts";
import { instantiateWithin } from "./wasm-imports.ts";

async function encodeAll(segments: readonly Segment[]): Promise<Uint8Array[]> {
  const encoder = await createResidualEncoder();
  const coded = segments.map(({ residual, basis, spans }) => encoder.encode(residual, basis, spans));
  encoder.close();
  return coded;
}

async function checkRoundTrip(segments: readonly Segment[]): Promise<Uint8Array[]> {
  const coded = await encodeAll(segments);
  const decoder = await createResidualDecoder();
  for (const [i, { residual, basis, spans }] of segments.entries()) {
    assert.ok(Buffer.from(decoder.decode(coded[i]!, basis, spans)).equals(residual), `segment ${i}`);
  }
  decoder.close();
  return coded;
}

/** Residuals of several kinds, each with a basis of any bytes or of few. */
const segments = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 300, 2000),
    fc.nat(0x7fffffff),
    fc.constantFrom("zero", "sparse", "full", "equal"),
    fc.constantFrom(1, 4, 256),
    fc.constantFrom(0, 1, 50, 1000),
  )
  .map(([bytes, seed, kind, values, longestSpan]): Segment => {
    const next = noise(seed);
    const basis = Uint8Array.from({ length: bytes }, () => next() % values);
    const residual = Uint8Array.from({ length: bytes }, () => {
      const byte = next() & 255;
      if (kind === "zero") return 0;
      if (kind === "sparse") return byte < 16 ? next() : 0;
      return kind === "full" ? byte : 255;
    });
    return { residual, basis, ...(longestSpan > 0 && { spans: syntheticSpans(bytes, longestSpan, seed) }) };
  });

describe("residual coder", () => {
  it("decodes what it encoded, segment by segment", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(segments, { maxLength: 5 }), async (list) => {
        await checkRoundTrip(list);
      }),
      { numRuns: 40 },
    );
  });

  it("takes segments of the largest size, also such as it cannot predict", async () => {
    const next = noise(99);
    const random = (): Uint8Array =>
      Uint8Array.from({ length: MAX_RESIDUAL_SEGMENT_BYTES }, () => next() >>> 9);
    const zero = new Uint8Array(MAX_RESIDUAL_SEGMENT_BYTES);
    const basis = random();
    const [quiet, loud, quietAgain] = await checkRoundTrip([
      { residual: zero, basis },
      { residual: random(), basis },
      { residual: zero, basis },
    ]);
    assert.ok(quiet!.length < 64, `${quiet!.length}`);
    assert.ok(loud!.length < 1.03 * MAX_RESIDUAL_SEGMENT_BYTES, `${loud!.length}`);
    assert.ok(quietAgain!.length < 4096, `${quietAgain!.length}`);
  });

  it("codes an empty segment as nothing", async () => {
    const empty = new Uint8Array(0);
    const [coded] = await checkRoundTrip([{ residual: empty, basis: empty }]);
    assert.equal(coded!.length, 0);
  });

  it("foretells what refers to one place from wherever it is referred to", async () => {
    // Calls from each of many spans, which have moved by distances of their own, to one place.
    const [calls, spanBytes] = [400, 64];
    const basis = syntheticSegment(calls * spanBytes, 7).basis.map((byte) => byte & 15);
    const target = basis.slice();
    const spans: number[] = [];
    for (let call = 0; call < calls; call++) {
      const offset = 1_000_000 + call * 1000;
      const moved = (call * call) % 5003;
      spans.push(spanBytes, offset, offset + moved);
      const at = call * spanBytes + 20;
      new DataView(basis.buffer).setUint32(at, 40_000 - (offset + 20), true);
      new DataView(target.buffer).setUint32(at, 40_000 + 77 - (offset + 20 + moved), true);
    }
    const residual = target.map((byte, i) => byte - basis[i]!);
    const [placed] = await checkRoundTrip([{ residual, basis, spans: Uint32Array.from(spans) }]);
    const [unplaced] = await checkRoundTrip([{ residual, basis }]);
    assert.ok(placed!.length < 0.6 * unplaced!.length, `${placed!.length}, not ${unplaced!.length}`);
  });

  it("foretells where ARM's instructions refer to", async () => {
    const { residual, basis, spans } = armSegment(20_000, 17);
    const [placed] = await checkRoundTrip([{ residual, basis, spans: spans! }]);
    const [unplaced] = await checkRoundTrip([{ residual, basis }]);
    assert.ok(placed!.length < 0.6 * unplaced!.length, `${placed!.length}, not ${unplaced!.length}`);
  });

  it("learns across segments", async () => {
    const segment = syntheticSegment(20_000, 5);
    const [first, second] = await checkRoundTrip([segment, segment]);
    assert.ok(second!.length < 0.9 * first!.length, `${first!.length}, then ${second!.length}`);
  });

  it("does not let a segment's end or an earlier error of length leak into the next", async () => {
    const [a, b] = [syntheticSegment(5000, 3), syntheticSegment(700, 4)];
    const encoder = await createResidualEncoder();
    const first = encoder.encode(a.residual, a.basis);
    assert.throws(() => encoder.encode(a.residual, b.basis), RangeError);
    const second = encoder.encode(b.residual, b.basis);
    assert.deepEqual([first, second], await encodeAll([a, b]));
  });

  it("makes the same bytes on every machine", async () => {
    const coded = await encodeAll([
      syntheticSegment(100_000, 1),
      syntheticSegment(333, 2),
      armSegment(5000, 3),
    ]);
    const digest = createHash("sha256").update(Buffer.concat(coded)).digest("hex");
    assert.deepEqual(
      [coded.map(({ length }) => length), digest],
      [[3604, 12, 942], "27d582f5a98e10e154faaed79debb458a0fca182f7f4412bf639b442aa1bb4f8"],
    );
  });

  it("keeps the memory that it says", () => {
    const exports = instantiateWithin(WASM_BASE64, RESIDUAL_CODER_MEMORY_BYTES);
    assert.equal((exports.MAX_SEGMENT_BYTES as WebAssembly.Global).value, MAX_RESIDUAL_SEGMENT_BYTES);
  });

  it("refuses wrong arguments", async () => {
    const encoder = await createResidualEncoder();
    const decoder = await createResidualDecoder();
    const long = new Uint8Array(MAX_RESIDUAL_SEGMENT_BYTES + 1);
    assert.throws(() => encoder.encode(new Uint8Array(3), new Uint8Array(4)), RangeError);
    assert.throws(() => encoder.encode(long, long), RangeError);
    assert.throws(() => decoder.decode(new Uint8Array(4), long), RangeError);
    assert.throws(
      () => encoder.encode(new Uint8Array(3), new Uint8Array(3), Uint32Array.of(2, 0, 0)),
      RangeError,
    );
    encoder.close();
    decoder.close();
    assert.throws(() => encoder.encode(new Uint8Array(3), new Uint8Array(3)), TypeError);
    assert.throws(() => decoder.decode(new Uint8Array(4), new Uint8Array(3)), TypeError);
  });
});

describe("reference decoder", () => {
  it("decodes what the WASM encoded", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(segments, { maxLength: 4 }), async (list) => {
        const coded = await encodeAll(list);
        const decoder = new ReferenceDecoder();
        for (const [i, { residual, basis, spans }] of list.entries()) {
          assert.ok(Buffer.from(decoder.decode(coded[i]!, basis, spans)).equals(residual), `segment ${i}`);
        }
      }),
      { numRuns: 15 },
    );
    const list = [
      { ...syntheticSegment(70_000, 11), spans: syntheticSpans(70_000, 3, 1) },
      { ...syntheticSegment(30_000, 12), spans: syntheticSpans(30_000, 900, 2) },
      armSegment(10_000, 14),
      armSegment(3000, 15),
    ];
    const coded = await encodeAll(list);
    const decoder = new ReferenceDecoder();
    for (const [i, { residual, basis, spans }] of list.entries()) {
      assert.ok(
        Buffer.from(decoder.decode(coded[i]!, basis, spans)).equals(residual),
        `synthetic segment ${i}`,
      );
    }
  });

  it("makes of damaged bytes what the WASM makes of them", async () => {
    const { basis, residual } = syntheticSegment(400, 13);
    const [coded] = await encodeAll([{ basis, residual }]);
    const decodeBy = (
      decoder: { decode(coded: Uint8Array, basis: Uint8Array): Uint8Array },
      bytes: Uint8Array,
    ) => {
      try {
        return Buffer.from(decoder.decode(bytes, basis)).toString("hex");
      } catch (error) {
        assert.ok(error instanceof FormatError);
        return error.code;
      }
    };
    for (let at = 0; at < coded!.length; at += 5) {
      const damaged = coded!.slice();
      damaged[at]! ^= 1 << (at % 8);
      assert.equal(
        decodeBy(await createResidualDecoder(), damaged),
        decodeBy(new ReferenceDecoder(), damaged),
      );
    }
  });
});

describe("damaged residuals", () => {
  const segment = syntheticSegment(600, 8);

  async function decodeDamaged(coded: Uint8Array): Promise<Uint8Array | undefined> {
    const decoder = await createResidualDecoder();
    try {
      return decoder.decode(coded, segment.basis).slice();
    } catch (error) {
      assert.ok(error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY, String(error));
      return undefined;
    } finally {
      decoder.close();
    }
  }

  it("are decoded to as many bytes or refused, whichever bit is flipped", async () => {
    const [coded] = await encodeAll([segment]);
    for (let at = 0; at < coded!.length; at++) {
      for (const mask of [1, 128, 255]) {
        const damaged = coded!.slice();
        damaged[at]! ^= mask;
        const decoded = await decodeDamaged(damaged);
        if (decoded !== undefined) assert.equal(decoded.length, segment.basis.length);
      }
    }
  });

  it("are refused when they are cut off, or never give the residual", async () => {
    const [coded] = await encodeAll([segment]);
    let refused = 0;
    for (let length = 0; length < coded!.length; length++) {
      const decoded = await decodeDamaged(coded!.subarray(0, length));
      // The ending is so short that a shorter string of bytes can be the code of another residual.
      if (decoded === undefined) refused++;
      else assert.ok(!Buffer.from(decoded).equals(segment.residual), `cut off after ${length}`);
    }
    assert.ok(refused > 0.9 * coded!.length, `${refused} of ${coded!.length}`);
  });

  it("are refused when they go on", async () => {
    const [coded] = await encodeAll([segment]);
    assert.equal(await decodeDamaged(Uint8Array.of(...coded!, 0)), undefined);
    const decoder = await createResidualDecoder();
    assert.throws(() => decoder.decode(Uint8Array.of(0), new Uint8Array(0)), {
      code: ErrorCode.CORRUPT_BODY,
    });
  });
});
