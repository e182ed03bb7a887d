import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../src/bytes/index.ts";
import { getCodec } from "../../src/codec/index.ts";
import { WASM_BASE64 } from "../../src/codec/ops/generated.ts";
import {
  createOpsDecoder,
  createOpsEncoder,
  MAX_OPS_SEGMENT_BYTES,
  OPS_CODER_MEMORY_BYTES,
} from "../../src/codec/ops/index.ts";
import { ReferenceOpsDecoder } from "../../src/codec/ops/reference.ts";
import { OpKind } from "../../src/delta/format.ts";
import { ErrorCode, FormatError } from "../../src/errors.ts";
import { noise } from "./mix-data.ts";
import { instantiateWithin } from "./wasm-imports.ts";

interface PlainOp {
  kind: OpKind;
  length: number;
  distance: number;
  time: number;
}

function encodePlainOps(ops: readonly PlainOp[]): Uint8Array {
  const out = new ByteWriter();
  for (const { kind, length, distance, time } of ops) {
    out.varint(length * 8 + kind);
    if (kind === OpKind.RUN) out.u8(time & 255);
    else if (kind !== OpKind.DATA) out.signedVarint(distance);
    if (kind === OpKind.TOUCH) out.signedVarint(time);
    if (kind === OpKind.HEADER) {
      const flags = (length - 1) & 63;
      for (const flag of [1, 4]) if ((flags & flag) !== 0) out.signedVarint(time + flag);
      for (const flag of [8, 16, 32]) {
        for (let part = 0; part < 3 && (flags & flag) !== 0; part++) out.varint(Math.abs(time) + part);
      }
    }
  }
  return out.view().slice();
}

const sizes = fc.oneof(
  fc.nat(20),
  fc.nat(5000),
  fc.nat(0x7fffffff),
  fc.constantFrom(2 ** 20 - 1, 2 ** 32, 2 ** 40 + 1, 2 ** 50 - 1),
);
const distances = fc
  .tuple(sizes, fc.boolean())
  .map(([size, isNegative]) => (isNegative && size > 0 ? -size : size));

const controls = fc
  .array(
    fc.record({
      kind: fc.constantFrom<OpKind>(
        OpKind.COPY,
        OpKind.DIFF,
        OpKind.DATA,
        OpKind.RUN,
        OpKind.TOUCH,
        OpKind.HEADER,
      ),
      length: sizes.map((size) => Math.max(1, size)),
      distance: fc.oneof(fc.constant(0), distances),
      time: distances,
    }),
    { maxLength: 60 },
  )
  .map(encodePlainOps);

/** Ops as a delta of programs has them. */
function syntheticControl(count: number, seed: number): Uint8Array {
  const next = noise(seed);
  return encodePlainOps(
    Array.from({ length: count }, (_, i) => ({
      kind: ([OpKind.DIFF, OpKind.COPY, OpKind.DATA] as const)[i % 3]!,
      length: 1 + (next() % (i % 3 === 0 ? 300 : 30)),
      distance: next() % 4 === 0 ? (next() % 4000) - 2000 : 0,
      time: 0,
    })),
  );
}

async function encodeAll(segments: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const encoder = await createOpsEncoder();
  const coded = segments.map((segment) => encoder.encode(segment));
  encoder.close();
  return coded;
}

async function checkRoundTrip(segments: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const coded = await encodeAll(segments);
  const decoder = await createOpsDecoder();
  for (const [i, segment] of segments.entries()) {
    assert.ok(Buffer.from(decoder.decode(coded[i]!, segment.length)).equals(segment), `segment ${i}`);
  }
  decoder.close();
  return coded;
}

describe("ops coder", () => {
  it("decodes what it encoded, ops and other bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(controls, fc.uint8Array({ maxLength: 40 })), { maxLength: 5 }),
        async (segments) => {
          await checkRoundTrip(segments);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes segments of the largest size", async () => {
    const next = noise(7);
    const random = Uint8Array.from({ length: MAX_OPS_SEGMENT_BYTES }, () => next() >>> 9);
    const shortOps = new Uint8Array(MAX_OPS_SEGMENT_BYTES).fill(1 * 8 + OpKind.DATA);
    const long = syntheticControl(400_000, 3).subarray(0, MAX_OPS_SEGMENT_BYTES);
    const coded = await checkRoundTrip([random, shortOps, long]);
    assert.ok(coded[0]!.length <= MAX_OPS_SEGMENT_BYTES + 16);
    assert.ok(coded[1]!.length < 2000, `${coded[1]!.length}`);
  });

  it("makes the same bytes on every machine, and fewer of the second segment", async () => {
    const control = syntheticControl(3000, 1);
    const coded = await encodeAll([control, control, new Uint8Array(0), Uint8Array.of(255)]);
    const digest = createHash("sha256").update(Buffer.concat(coded)).digest("hex");
    assert.deepEqual(
      [control.length, coded.map(({ length }) => length), digest],
      [7437, [3409, 147, 0, 3], "5ad2a812008bba73dae25518c54d774dc10e993d617c2fc2ca14d53b2415481b"],
    );
  });

  it("keeps the memory that it says", () => {
    const exports = instantiateWithin(WASM_BASE64, OPS_CODER_MEMORY_BYTES);
    assert.equal((exports.MAX_SEGMENT_BYTES as WebAssembly.Global).value, MAX_OPS_SEGMENT_BYTES);
  });

  it("refuses segments over the limit", async () => {
    const long = new Uint8Array(MAX_OPS_SEGMENT_BYTES + 1);
    const encoder = await createOpsEncoder();
    assert.throws(() => encoder.encode(long), RangeError);
    const decoder = await createOpsDecoder();
    assert.throws(() => decoder.decode(new Uint8Array(9), long.length), { code: ErrorCode.CORRUPT_BODY });
    assert.throws(() => decoder.decode(new Uint8Array(1), 0), { code: ErrorCode.CORRUPT_BODY });
  });

  it("is a codec", async () => {
    const codec = getCodec("ops");
    const [encoder, decoder] = [codec.createEncoder({ effort: 7, windowBits: 20 }), codec.createDecoder()];
    for (const segment of [syntheticControl(50, 1), new Uint8Array(0), Uint8Array.of(0, 0)]) {
      const coded = await encoder.encode(segment);
      const decoded = new Uint8Array(segment.length);
      await decoder.decode(coded, decoded);
      assert.deepEqual(decoded, segment);
    }
    encoder.close();
    decoder.close();
  });
});

describe("reference decoder of ops", () => {
  it("decodes what the WASM encoded", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(controls, { maxLength: 4 }), async (segments) => {
        const coded = await encodeAll(segments);
        const decoder = new ReferenceOpsDecoder();
        for (const [i, segment] of segments.entries()) {
          assert.ok(Buffer.from(decoder.decode(coded[i]!, segment.length)).equals(segment), `segment ${i}`);
        }
      }),
      { numRuns: 15 },
    );
    const segments = [syntheticControl(4000, 5), Uint8Array.of(255, 255), syntheticControl(4000, 5)];
    const coded = await encodeAll(segments);
    const decoder = new ReferenceOpsDecoder();
    for (const [i, segment] of segments.entries()) {
      assert.ok(
        Buffer.from(decoder.decode(coded[i]!, segment.length)).equals(segment),
        `synthetic segment ${i}`,
      );
    }
  });

  it("makes of damaged bytes what the WASM makes of them", async () => {
    const control = syntheticControl(60, 9);
    const [coded] = await encodeAll([control]);
    const decodeBy = (
      decoder: { decode(coded: Uint8Array, bytes: number): Uint8Array },
      bytes: Uint8Array,
    ) => {
      try {
        return Buffer.from(decoder.decode(bytes, control.length)).toString("hex");
      } catch (error) {
        assert.ok(error instanceof FormatError);
        return error.code;
      }
    };
    for (let at = 0; at < coded!.length; at += 9) {
      const damaged = coded!.slice();
      damaged[at]! ^= 1 << (at % 8);
      assert.equal(
        decodeBy(await createOpsDecoder(), damaged),
        decodeBy(new ReferenceOpsDecoder(), damaged),
        `byte ${at}`,
      );
    }
  });
});

describe("damaged ops", () => {
  it("are decoded to as many bytes or refused, whatever is flipped, cut off or added", async () => {
    const control = syntheticControl(80, 4);
    const [coded] = await encodeAll([control]);
    const decodeDamaged = async (bytes: Uint8Array): Promise<Uint8Array | undefined> => {
      const decoder = await createOpsDecoder();
      try {
        return decoder.decode(bytes, control.length).slice();
      } catch (error) {
        assert.ok(error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY, String(error));
        return undefined;
      } finally {
        decoder.close();
      }
    };
    for (let at = 0; at < coded!.length; at += 2) {
      const damaged = coded!.slice();
      damaged[at]! ^= 1 << (at % 7);
      const decoded = await decodeDamaged(damaged);
      if (decoded !== undefined) assert.equal(decoded.length, control.length);
      const cut = await decodeDamaged(coded!.subarray(0, at));
      if (cut !== undefined) assert.ok(!Buffer.from(cut).equals(control), `cut off after ${at}`);
    }
    assert.equal(await decodeDamaged(Uint8Array.of(...coded!, 0)), undefined);
  });

  it("that are random are decoded or refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(4000), async (bytes, length) => {
        try {
          assert.equal((await createOpsDecoder()).decode(bytes, length).length, length);
        } catch (error) {
          assert.ok(error instanceof FormatError && error.code === ErrorCode.CORRUPT_BODY, String(error));
        }
      }),
      { numRuns: 60 },
    );
  });
});
