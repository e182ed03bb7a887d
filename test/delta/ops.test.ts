import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../src/bytes/index.ts";
import { BasisCursor, decodeOps, encodeOp, type Op, OpKind } from "../../src/delta/index.ts";
import { ErrorCode } from "../../src/errors.ts";

const BASIS_BYTES = 2 ** 45;

const opArbitrary: fc.Arbitrary<Op> = fc.oneof(
  fc
    .record({
      length: fc.integer({ min: 1, max: 2 ** 40 }),
      basisOffset: fc.nat(2 ** 31).map((n) => n * 4096),
    })
    .map((op) => ({ kind: OpKind.COPY, ...op })),
  fc
    .record({ length: fc.integer({ min: 1, max: 2 ** 20 }), basisOffset: fc.nat(2 ** 31) })
    .map((op) => ({ kind: OpKind.DIFF, ...op })),
  fc.integer({ min: 1, max: 2 ** 20 }).map((length) => ({ kind: OpKind.DATA, length })),
  fc
    .record({ length: fc.integer({ min: 1, max: 2 ** 45 }), byte: fc.nat(255) })
    .map((op) => ({ kind: OpKind.RUN, ...op })),
);

function boundsOf(ops: readonly Op[]) {
  const sum = (kind?: OpKind): number =>
    ops.reduce((total, op) => total + (kind === undefined || op.kind === kind ? op.length : 0), 0);
  return {
    basisBytes: BASIS_BYTES,
    windowBytes: sum(),
    literalBytes: sum(OpKind.DATA),
    residualBytes: sum(OpKind.DIFF),
  };
}

function encodeAll(ops: readonly Op[]): Uint8Array {
  const out = new ByteWriter();
  const cursor = new BasisCursor();
  for (const op of ops) encodeOp(out, op, cursor);
  return out.view();
}

test("ops come back as they were, with offsets and lengths far beyond 2^32", () => {
  fc.assert(
    fc.property(fc.array(opArbitrary, { maxLength: 50 }), (ops) => {
      assert.deepEqual([...decodeOps(encodeAll(ops), boundsOf(ops), new BasisCursor())], ops);
    }),
  );
});

test("ops that do not fit their window or segments are refused", () => {
  const ops: Op[] = [
    { kind: OpKind.COPY, length: 10, basisOffset: 5 },
    { kind: OpKind.DATA, length: 3 },
    { kind: OpKind.DIFF, length: 4, basisOffset: 0 },
  ];
  const good = boundsOf(ops);
  const refuses = (bounds: Partial<typeof good>): void => {
    assert.throws(() => [...decodeOps(encodeAll(ops), { ...good, ...bounds }, new BasisCursor())], {
      code: ErrorCode.CORRUPT_BODY,
    });
  };
  for (const key of ["windowBytes", "literalBytes", "residualBytes"] as const) {
    refuses({ [key]: good[key] - 1 });
    refuses({ [key]: good[key] + 1 });
  }
  refuses({ basisBytes: 14 });
  assert.equal([...decodeOps(encodeAll(ops), { ...good, basisBytes: 15 }, new BasisCursor())].length, 3);
});

test("an op of length 0, a reserved kind and a negative offset are refused", () => {
  const decode = (...bytes: number[]): unknown =>
    [
      ...decodeOps(
        Uint8Array.from(bytes),
        { basisBytes: 100, windowBytes: 8, literalBytes: 0, residualBytes: 0 },
        new BasisCursor(),
      ),
    ].length;
  assert.throws(() => decode(0 * 8 + OpKind.COPY, 0), { code: ErrorCode.CORRUPT_BODY });
  for (const kind of [4, 5, 6, 7])
    assert.throws(() => decode(8 + kind), { code: ErrorCode.UNSUPPORTED_FEATURE });
  assert.throws(() => decode(8 + OpKind.COPY, 0x41), { code: ErrorCode.CORRUPT_BODY });
});
