import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { packedBound, packZeroRuns, unpackZeroRuns } from "../../src/image/flat/zero-runs.ts";

/** Runs of zeros and of other bytes by turns, among them those around the lengths that a token can hold. */
const runs = fc
  .array(fc.tuple(fc.oneof(fc.nat(5), fc.integer({ min: 250, max: 520 })), fc.boolean()), { maxLength: 8 })
  .map((parts) => new Uint8Array(parts.flatMap(([length, isZero]) => Array(length).fill(isZero ? 0 : 7))));

describe("zero runs", () => {
  test("any part of what was packed is unpacked as it was", () => {
    fc.assert(
      fc.property(runs, fc.nat(9), fc.double({ min: 0, max: 1, noNaN: true }), (bytes, offset, share) => {
        const packed = new Uint8Array(offset + packedBound(bytes.length)).fill(0xff);
        const length = packZeroRuns(bytes, packed, offset);
        assert.ok(length <= packedBound(bytes.length));
        const skipped = Math.floor(share * bytes.length);
        for (const end of [bytes.length, Math.ceil((skipped + bytes.length) / 2)]) {
          const into = new Uint8Array(end - skipped).fill(1);
          unpackZeroRuns(packed.subarray(0, offset + length), offset, skipped, into);
          assert.deepEqual(into, bytes.subarray(skipped, end));
        }
      }),
    );
  });

  test("a header of a tar takes a third", () => {
    const header = new Uint8Array(345);
    header.fill(0x61, 0, 30).fill(0x30, 100, 157).fill(0x75, 257, 265).fill(0x30, 329, 345);
    const packed = new Uint8Array(packedBound(header.length));
    assert.ok(packZeroRuns(header, packed, 0) * 2.5 < header.length);
  });
});
