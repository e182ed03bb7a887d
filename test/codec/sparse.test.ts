import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { getCodec } from "../../src/codec/index.ts";
import { SparseKernel } from "../../src/codec/sparse/kernel.ts";
import { maxPackedBytes, packSparse, unpackSparse } from "../../src/codec/sparse/pack.ts";
import { ErrorCode, errorMessageOf } from "../../src/errors.ts";

/** Runs of zeros and of other bytes, in turn, of any length. */
const residuals = fc
  .array(fc.tuple(fc.nat(300), fc.uint8Array({ maxLength: 5 })), { maxLength: 60 })
  .map((parts) => Uint8Array.from(parts.flatMap(([zeros, bytes]) => [...new Uint8Array(zeros), ...bytes])));

const kernel = await SparseKernel.create();

/** In WASM what {@link unpackSparse} does. */
function unpackInWasm(packed: Uint8Array, into: Uint8Array): void {
  kernel.packed(packed.length, into.length).set(packed);
  kernel.unpack(packed.length, into);
}

const WAYS = [unpackSparse, unpackInWasm] as const;

/** What becomes of a packed segment, and why it is refused if it is. */
function outcome(unpack: (typeof WAYS)[number], packed: Uint8Array, bytes: number): unknown {
  const into = new Uint8Array(bytes).fill(7);
  try {
    unpack(packed, into);
    return into;
  } catch (error) {
    return errorMessageOf(error);
  }
}

test("what is packed comes back, over whatever was there, and within its bound", () => {
  fc.assert(
    fc.property(fc.oneof(residuals, fc.uint8Array({ maxLength: 400 })), (raw) => {
      const packed = packSparse(raw);
      assert.deepEqual(kernel.pack(raw).slice(), packed);
      assert.ok(packed.length <= maxPackedBytes(raw.length));
      for (const unpack of WAYS) assert.deepEqual(outcome(unpack, packed, raw.length), raw);
    }),
    { numRuns: 2000 },
  );
});

test("one zero does not end a run, two do", () => {
  // Two gaps, one length; three gaps, two lengths.
  for (const pack of [packSparse, (raw: Uint8Array) => kernel.pack(raw)]) {
    assert.deepEqual([...pack(Uint8Array.of(0, 5, 0, 6, 0))], [2, 1, 1, 1, 3, 5, 0, 6]);
    assert.deepEqual([...pack(Uint8Array.of(0, 5, 0, 0, 6))], [3, 2, 1, 2, 0, 1, 1, 5, 6]);
  }
});

const WRONG: readonly (readonly [says: string, packed: readonly number[], bytes: number])[] = [
  ["more lengths than gaps", [1, 1, 1, 1, 9], 2],
  ["more gaps than lengths", [3, 1, 0, 1, 1, 1, 9], 3],
  ["an empty run", [2, 1, 1, 1, 0], 2],
  ["no zeros between runs", [3, 2, 0, 0, 0, 1, 1, 8, 9], 2],
  ["a run beyond the segment", [2, 1, 1, 0, 2, 8, 9], 2],
  ["a run beyond what is there", [2, 1, 0, 0, 2, 8], 2],
  ["bytes behind the last run", [2, 1, 0, 0, 1, 8, 9], 1],
  ["a last gap too short", [2, 1, 0, 0, 1, 8], 2],
  ["a last gap too long", [2, 1, 0, 2, 1, 8], 2],
  ["a number that is not in its shortest form", [3, 1, 0x80, 0, 0, 1, 8], 1],
  ["lists longer than the whole", [9, 1, 0], 1],
  ["nothing", [], 1],
];

test("a packed segment that no writer makes is refused", () => {
  for (const unpack of WAYS) {
    for (const [says, packed, bytes] of WRONG)
      assert.throws(
        () => unpack(Uint8Array.from(packed), new Uint8Array(bytes)),
        { code: ErrorCode.CORRUPT_BODY },
        says,
      );
  }
});

test("whatever a packed segment becomes, WASM does the same and refuses with the same words", () => {
  const damaged = fc.tuple(residuals, fc.nat(), fc.nat(255)).map(([raw, at, byte]) => {
    const packed = packSparse(raw);
    packed[at % packed.length] = byte;
    return [packed, raw.length] as const;
  });
  const noise = fc.tuple(fc.uint8Array({ maxLength: 30 }), fc.nat(40));
  fc.assert(
    fc.property(fc.oneof(damaged, noise), ([packed, bytes]) => {
      assert.deepEqual(outcome(unpackInWasm, packed, bytes), outcome(unpackSparse, packed, bytes));
    }),
    { numRuns: 5000 },
  );
});

test("a long gap and a long run are packed and unpacked in WASM, in memory that grows", () => {
  const raw = new Uint8Array(600_000);
  for (let at = 300_000; at < 500_000; at++) raw[at] = 1 + (at % 255);
  const into = new Uint8Array(raw.length).fill(7);
  const packed = packSparse(raw);
  assert.deepEqual(kernel.pack(raw).slice(), packed);
  unpackInWasm(packed, into);
  assert.deepEqual(into, raw);
});

test("a length before brotli that no segment has is refused before memory is taken", async () => {
  const decoder = getCodec("sparse").createDecoder();
  const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f);
  await assert.rejects(decoder.decode(huge, new Uint8Array(100)), { code: ErrorCode.CORRUPT_BODY });
  decoder.close();
});

test("residuals of a relinked program become shorter than with brotli alone", async () => {
  // Addresses that moved: three bytes in forty, of a few values.
  const raw = new Uint8Array(200_000);
  for (let at = 0, state = 1; at < raw.length; at += 20 + (state % 40)) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    raw.set([64 + (state % 7), 2 + (state % 3)], Math.min(at, raw.length - 2));
  }
  const sizes: number[] = [];
  for (const name of ["sparse", "brotli"] as const) {
    const encoder = getCodec(name).createEncoder({ effort: 7, windowBits: 20 });
    sizes.push((await encoder.encode(raw)).length);
    encoder.close();
  }
  assert.ok(sizes[0]! < sizes[1]!, sizes.join(" "));
});
