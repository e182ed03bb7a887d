import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  createResidualDecoder,
  createResidualEncoder,
  MAX_RESIDUAL_SEGMENT_BYTES,
} from "../../src/codec/mix/index.ts";
import { ErrorCode, FormatError } from "../../src/errors.ts";

interface Segment {
  residual: Uint8Array;
  basis: Uint8Array;
}

/** Numbers that look random and are always the same (xorshift32). */
function noise(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Code-like basis bytes in which every eighth word is an address that moved by one of a few distances. */
function syntheticSegment(bytes: number, seed: number): Segment {
  const next = noise(seed);
  const basis = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++)
    basis[i] = next() % 23 === 0 ? next() : [0x48, 0x8b, 0x0f, 0xe8, 0][next() % 5]!;
  const target = basis.slice();
  const view = new DataView(target.buffer);
  for (let at = 5; at + 4 <= bytes; at += 8 + (next() % 48)) {
    view.setUint32(at, view.getUint32(at, true) + [0x720, 0x1f, -0x40, 0x11230][next() % 4]!, true);
  }
  return { basis, residual: target.map((byte, i) => byte - basis[i]!) };
}

async function encodeAll(segments: readonly Segment[]): Promise<Uint8Array[]> {
  const encoder = await createResidualEncoder();
  return segments.map(({ residual, basis }) => encoder.encode(residual, basis));
}

async function checkRoundTrip(segments: readonly Segment[]): Promise<Uint8Array[]> {
  const coded = await encodeAll(segments);
  const decoder = await createResidualDecoder();
  for (const [i, { residual, basis }] of segments.entries()) {
    assert.ok(Buffer.from(decoder.decode(coded[i]!, basis)).equals(residual), `segment ${i}`);
  }
  return coded;
}

/** Residuals of several kinds, each with a basis of any bytes or of few. */
const segments = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 300, 2000),
    fc.nat(0x7fffffff),
    fc.constantFrom("zero", "sparse", "full", "equal"),
    fc.constantFrom(1, 4, 256),
  )
  .map(([bytes, seed, kind, values]): Segment => {
    const next = noise(seed);
    const basis = Uint8Array.from({ length: bytes }, () => next() % values);
    const residual = Uint8Array.from({ length: bytes }, () => {
      const byte = next() & 255;
      if (kind === "zero") return 0;
      if (kind === "sparse") return byte < 16 ? next() : 0;
      return kind === "full" ? byte : 255;
    });
    return { residual, basis };
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
    const coded = await encodeAll([syntheticSegment(100_000, 1), syntheticSegment(333, 2)]);
    const digest = createHash("sha256").update(Buffer.concat(coded)).digest("hex");
    assert.deepEqual([coded.map(({ length }) => length), digest], [[3393, 15], ""]);
  });

  it("refuses wrong arguments", async () => {
    const encoder = await createResidualEncoder();
    const decoder = await createResidualDecoder();
    const long = new Uint8Array(MAX_RESIDUAL_SEGMENT_BYTES + 1);
    assert.throws(() => encoder.encode(new Uint8Array(3), new Uint8Array(4)), RangeError);
    assert.throws(() => encoder.encode(long, long), RangeError);
    assert.throws(() => decoder.decode(new Uint8Array(4), long), RangeError);
    encoder.close();
    decoder.close();
    assert.throws(() => encoder.encode(new Uint8Array(3), new Uint8Array(3)), TypeError);
    assert.throws(() => decoder.decode(new Uint8Array(4), new Uint8Array(3)), TypeError);
  });
});

describe("damaged residuals", () => {
  const segment = syntheticSegment(600, 8);

  async function decodeDamaged(coded: Uint8Array): Promise<Uint8Array | undefined> {
    const decoder = await createResidualDecoder();
    try {
      return decoder.decode(coded, segment.basis);
    } catch (error) {
      assert.ok(error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY, String(error));
      return undefined;
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

  it("are refused when they are cut off or go on", async () => {
    const [coded] = await encodeAll([segment]);
    for (let length = 0; length < coded!.length; length++) {
      const decoded = await decodeDamaged(coded!.subarray(0, length));
      assert.equal(decoded, undefined, `cut off after ${length}`);
    }
    assert.equal(await decodeDamaged(Uint8Array.of(...coded!, 0)), undefined);
    const decoder = await createResidualDecoder();
    assert.throws(() => decoder.decode(Uint8Array.of(0), new Uint8Array(0)), {
      code: ErrorCode.CORRUPT_BODY,
    });
  });
});
