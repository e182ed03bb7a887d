import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../src/bytes/index.ts";
import {
  BasisCursor,
  encodeOp,
  insertedBytes,
  type Op,
  type OpBounds,
  OpKind,
  OpReader,
} from "../../src/delta/index.ts";
import { ErrorCode } from "../../src/errors.ts";

function decodeOps(control: Uint8Array, bounds: OpBounds): Op[] {
  const reader = new OpReader(control, bounds, new BasisCursor());
  const ops: Op[] = [];
  while (reader.next()) {
    const { kind, length, basisOffset, byte, timeShift, header } = reader;
    ops.push({ kind, length, basisOffset, byte, timeShift, ...(header && { header }) });
  }
  return ops;
}

const BASIS_BYTES = 2 ** 45;

const spliceArbitrary = fc
  .record({ keptBytes: fc.nat(50), removedBytes: fc.nat(50), insertedBytes: fc.nat(50) })
  .map((splice) => [splice]);

const headerArbitrary: fc.Arbitrary<Op> = fc
  .record({
    basisOffset: fc.nat(2 ** 31),
    timeShift: fc.integer({ min: -(2 ** 33), max: 2 ** 33 }),
    time: fc.option(fc.nat(2 ** 31), { nil: undefined }),
    sizeDelta: fc.oneof(fc.constant(0), fc.integer({ min: -(2 ** 33), max: 2 ** 33 })),
    texts: fc.tuple(...[0, 1, 2].map(() => fc.oneof(fc.constant([]), spliceArbitrary))),
  })
  .map(({ basisOffset, timeShift, time, sizeDelta, texts }) => ({
    kind: OpKind.HEADER,
    length: 512,
    byte: 0,
    basisOffset,
    timeShift: time === undefined ? timeShift : 0,
    header: {
      sizeDelta,
      time,
      splices: texts.flatMap((splices, text) => splices.map((splice) => ({ text, ...splice }))),
    },
  }));

const opArbitrary: fc.Arbitrary<Op> = fc.oneof(
  headerArbitrary,
  fc
    .record({
      length: fc.integer({ min: 1, max: 2 ** 40 }),
      basisOffset: fc.nat(2 ** 31).map((n) => n * 4096),
    })
    .map((op) => ({ kind: OpKind.COPY, byte: 0, timeShift: 0, ...op })),
  fc
    .record({ length: fc.integer({ min: 1, max: 2 ** 20 }), basisOffset: fc.nat(2 ** 31) })
    .map((op) => ({ kind: OpKind.DIFF, byte: 0, timeShift: 0, ...op })),
  fc
    .integer({ min: 1, max: 2 ** 20 })
    .map((length) => ({ kind: OpKind.DATA, length, basisOffset: 0, byte: 0, timeShift: 0 })),
  fc
    .record({
      length: fc.integer({ min: 1, max: 2 ** 30 }),
      basisOffset: fc.nat(2 ** 31),
      timeShift: fc.integer({ min: -(2 ** 33), max: 2 ** 33 }),
    })
    .map((op) => ({ kind: OpKind.TOUCH, byte: 0, ...op })),
  fc
    .record({ length: fc.integer({ min: 1, max: 2 ** 45 }), byte: fc.nat(255) })
    .map((op) => ({ kind: OpKind.RUN, basisOffset: 0, timeShift: 0, ...op })),
);

function boundsOf(ops: readonly Op[]) {
  const sum = (kind?: OpKind): number =>
    ops.reduce((total, op) => total + (kind === undefined || op.kind === kind ? op.length : 0), 0);
  return {
    basisBytes: BASIS_BYTES,
    windowBytes: sum(),
    literalBytes: ops.reduce((total, op) => total + insertedBytes(op.header), sum(OpKind.DATA)),
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
      assert.deepEqual(decodeOps(encodeAll(ops), boundsOf(ops)), ops);
    }),
  );
});

test("ops that do not fit their window or segments are refused", () => {
  const ops: Op[] = [
    { kind: OpKind.COPY, length: 10, basisOffset: 5, byte: 0, timeShift: 0 },
    { kind: OpKind.DATA, length: 3, basisOffset: 0, byte: 0, timeShift: 0 },
    { kind: OpKind.DIFF, length: 4, basisOffset: 0, byte: 0, timeShift: 0 },
  ];
  const good = boundsOf(ops);
  const refuses = (bounds: Partial<typeof good>): void => {
    assert.throws(() => decodeOps(encodeAll(ops), { ...good, ...bounds }), {
      code: ErrorCode.CORRUPT_BODY,
    });
  };
  for (const key of ["windowBytes", "literalBytes", "residualBytes"] as const) {
    refuses({ [key]: good[key] - 1 });
    refuses({ [key]: good[key] + 1 });
  }
  refuses({ basisBytes: 14 });
  assert.equal(decodeOps(encodeAll(ops), { ...good, basisBytes: 15 }).length, 3);
});

test("an op of length 0, a reserved kind and a negative offset are refused", () => {
  const bounds = { basisBytes: 100, windowBytes: 8, literalBytes: 0, residualBytes: 0 };
  const decode = (...bytes: number[]): Op[] => decodeOps(Uint8Array.from(bytes), bounds);
  assert.throws(() => decode(0 * 8 + OpKind.COPY, 0), { code: ErrorCode.CORRUPT_BODY });
  for (const kind of [6, 7]) assert.throws(() => decode(8 + kind), { code: ErrorCode.UNSUPPORTED_FEATURE });
  assert.throws(() => decode(8 + OpKind.COPY, 0x41), { code: ErrorCode.CORRUPT_BODY });
});

test("a HEADER with unknown flags, or a text that no field holds, is refused", () => {
  const bounds = { basisBytes: 512, windowBytes: 512, literalBytes: 0, residualBytes: 0 };
  const decode = (flags: number, ...fields: number[]): Op[] => {
    const out = new ByteWriter();
    out.varint((flags + 1) * 8 + OpKind.HEADER);
    for (const field of [0, ...fields]) out.varint(field);
    return decodeOps(out.view(), bounds);
  };
  const refused = { code: ErrorCode.CORRUPT_BODY };
  assert.equal(decode(0).length, 1);
  assert.equal(decode(8, 60, 40, 0).length, 1);
  assert.throws(() => decode(64), refused);
  assert.throws(() => decode(8, 60, 41, 0), refused);
  assert.throws(() => decode(8, 60, 0, 41), refused);
  assert.throws(() => decode(8, 0, 0, 1), refused, "the data segment has no such byte");
  assert.throws(() => decode(8, 0), refused, "a field is missing");
});
