import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DifferenceScratch } from "../../src/encode/difference-scratch.ts";

test("bytes are subtracted each by itself", () => {
  const scratch = new DifferenceScratch();
  const bytes = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0x81, 0xff), fc.nat(255));
  fc.assert(
    fc.property(fc.array(fc.tuple(bytes, bytes), { maxLength: 41 }), (pairs) => {
      scratch.target.set(pairs.map(([a]) => a));
      scratch.basis.set(pairs.map(([, b]) => b));
      scratch.subtract(pairs.length);
      assert.deepEqual(
        [...scratch.residual.subarray(0, pairs.length)],
        pairs.map(([a, b]) => (a - b) & 0xff),
      );
    }),
    { numRuns: 1000 },
  );
});
