import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { findRun } from "../../src/hash/index.ts";
import * as reference from "../../src/hash/reference.ts";
import { byteArrays } from "./data.ts";

describe("findRun", () => {
  it("agrees with the reference", () => {
    fc.assert(
      fc.property(
        byteArrays(200),
        fc.nat(200),
        fc.nat(200),
        fc.integer({ min: 2, max: 12 }),
        (bytes, x, y, minimum) => {
          const from = Math.min(x, y, bytes.length);
          const end = Math.min(Math.max(x, y), bytes.length);
          assert.deepEqual(findRun(bytes, from, end, minimum), reference.findRun(bytes, from, end, minimum));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("finds a run of exactly the minimum at every place", () => {
    for (let offset = 0; offset <= 68; offset++) {
      const bytes = Uint8Array.from({ length: 100 }, (_, i) => 1 + (i & 1));
      bytes.fill(9, offset, offset + 32);
      assert.deepEqual(findRun(bytes, 0, 100, 32), { offset, length: 32 });
      assert.equal(findRun(bytes, 0, 100, 33), undefined);
      assert.equal(findRun(bytes, 0, offset + 31, 32), undefined);
      assert.equal(findRun(bytes, offset + 1, 100, 32), undefined);
    }
  });

  it("refuses wrong arguments", () => {
    assert.throws(() => findRun(new Uint8Array(4), 0, 4, 1), RangeError);
    assert.throws(() => findRun(new Uint8Array(4), 0, 5, 2), RangeError);
    assert.throws(() => findRun(new Uint8Array(4), 3, 2, 2), RangeError);
  });
});
