import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter, fromHex, toHex, varintBytes } from "../../src/bytes/index.ts";
import { ErrorCode } from "../../src/errors.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const edges = [0, 1, 63, 64, 127, 128, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 52, MAX - 1, MAX];
const natural = fc.oneof(fc.maxSafeNat(), fc.constantFrom(...edges));
const read = (bytes: Uint8Array): ByteReader => new ByteReader(bytes, { what: "test" });

test("varints come back, in as many bytes as announced", () => {
  fc.assert(
    fc.property(natural, (value) => {
      const out = new ByteWriter(1);
      out.varint(value);
      assert.equal(out.length, varintBytes(value));
      const reader = read(out.view());
      assert.equal(reader.varint(), value);
      reader.end();
    }),
  );
});

test("signed varints come back over the whole range", () => {
  fc.assert(
    fc.property(natural, fc.boolean(), (value, negative) => {
      const signed = negative && value !== 0 ? -value : value;
      const out = new ByteWriter(1);
      out.signedVarint(signed);
      assert.equal(read(out.view()).signedVarint(), signed);
    }),
  );
});

test("numbers that no varint holds are the caller's mistake", () => {
  for (const value of [-1, 0.5, MAX + 1, Number.NaN]) {
    assert.throws(() => new ByteWriter().varint(value), RangeError);
  }
  assert.throws(() => new ByteWriter().signedVarint(MAX + 1), RangeError);
});

test("a reader refuses integers that are too large, too long or not in their shortest form", () => {
  const refuse = (...bytes: number[]): void => {
    assert.throws(() => read(Uint8Array.from(bytes)).varint(), { code: ErrorCode.CORRUPT_BODY });
  };
  refuse(0x80, 0x00);
  refuse(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10);
  refuse(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
  refuse(0x80);
  assert.equal(read(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)).varint(), MAX);
  assert.throws(() => read(Uint8Array.of(0x40)).signedVarint(), { code: ErrorCode.CORRUPT_BODY });
  assert.throws(() => read(Uint8Array.of(0x80, 0x00)).signedVarint(), { code: ErrorCode.CORRUPT_BODY });
});

test("any bytes read as integers give a number or a coded error, and the number is written in the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 10 }), fc.boolean(), (bytes, signed) => {
      const reader = read(bytes);
      let value: number;
      try {
        value = signed ? reader.signedVarint() : reader.varint();
      } catch (error) {
        assert.equal((error as { code: string }).code, ErrorCode.CORRUPT_BODY);
        return;
      }
      const out = new ByteWriter();
      if (signed) out.signedVarint(value);
      else out.varint(value);
      assert.equal(toHex(out.view()), toHex(bytes.subarray(0, reader.position)));
    }),
    { numRuns: 2000 },
  );
});

test("fixed-width integers are little-endian", () => {
  const out = new ByteWriter(1);
  out.u8(0xfe);
  out.u32(0xfedcba98);
  out.u64(0x0123456789abcdefn);
  assert.equal(toHex(out.view()), "fe98badcfeefcdab8967452301");
  const reader = read(out.view());
  assert.equal(reader.u8(), 0xfe);
  assert.equal(reader.u32(), 0xfedcba98);
  assert.equal(reader.u64(), 0x0123456789abcdefn);
});

test("hexadecimal digits come back, other text is refused", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(fromHex(toHex(bytes)), bytes)));
  for (const text of ["0", "0g", "zz"])
    assert.throws(() => fromHex(text), { code: ErrorCode.CORRUPT_HEADER });
});
