/** Headers that follow from others are planned and made alike; what is no header, or would not fit, is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changeHeader, planHeader, shiftHeaderTime } from "../../src/transform/index.ts";
import { headerBlock } from "../image/tar-builder.ts";

const textArbitrary = (maxLength: number) => fc.stringMatching(new RegExp(`^[a-z/.0-9]{0,${maxLength}}$`));

const fields = fc.record({
  name: textArbitrary(100),
  linkName: textArbitrary(100),
  prefix: textArbitrary(155),
  sizeBytes: fc.nat(8 ** 10),
  mtimeSeconds: fc.nat(8 ** 10),
});

test("any header is made from any other of its kind", () => {
  fc.assert(
    fc.property(fields, fields, (old, wanted) => {
      const [basis, target] = [headerBlock(old), headerBlock(wanted)];
      const plan = planHeader(basis, target)!;
      const made = basis.slice();
      assert.ok(changeHeader(made, { ...plan, time: undefined }, plan.timeShift, plan.inserted));
      assert.deepEqual(made, target);
      const named = basis.slice();
      assert.ok(changeHeader(named, plan, 0, plan.inserted));
      assert.deepEqual(named, target);
    }),
  );
});

test("headers that differ in other fields are not planned", () => {
  const basis = headerBlock({ name: "a" });
  assert.equal(planHeader(basis, headerBlock({ name: "a", mode: 0o700 })), undefined);
  assert.equal(planHeader(basis, headerBlock({ name: "a", uid: 5 })), undefined);
  assert.equal(planHeader(basis, new Uint8Array(512)), undefined);
  assert.equal(planHeader(new Uint8Array(512), basis), undefined);
  const broken = basis.slice();
  broken[1] = 5; // the checksum no longer fits
  assert.equal(planHeader(basis, broken), undefined);
  const gap = headerBlock({ name: "a\0b" });
  assert.equal(planHeader(basis, gap), undefined);
});

test("what does not fit in its field is refused", () => {
  const change = (edit: object, timeShift = 0, inserted = new Uint8Array(0)): boolean =>
    changeHeader(
      headerBlock({ name: "n".repeat(90), sizeBytes: 10, mtimeSeconds: 10 }),
      { sizeDelta: 0, time: undefined, splices: [], ...edit },
      timeShift,
      inserted,
    );
  const splice = (keptBytes: number, removedBytes: number, insertedBytes: number) => ({
    splices: [{ text: 0, keptBytes, removedBytes, insertedBytes }],
  });
  assert.ok(change({ sizeDelta: -10 }, -10));
  assert.ok(!change({ sizeDelta: -11 }));
  assert.ok(!change({ sizeDelta: 8 ** 11 }));
  assert.ok(!change({}, -11));
  assert.ok(!change({ time: -1 }));
  assert.ok(!change({ time: 8 ** 11 }));
  assert.ok(change(splice(50, 40, 10), 0, new Uint8Array(10).fill(97)));
  assert.ok(change(splice(90, 0, 10), 0, new Uint8Array(10).fill(97)));
  assert.ok(!change(splice(90, 0, 11), 0, new Uint8Array(11).fill(97)));
  assert.ok(!change(splice(60, 31, 0)));
});

test("moving a time leaves what is no header as it was", () => {
  const block = headerBlock({ name: "a", sizeBytes: 600, mtimeSeconds: 5 });
  assert.equal(shiftHeaderTime(block.slice(), 1), 1024);
  for (const damage of [124, 140, 150, 155, 3]) {
    const damaged = block.slice();
    damaged[damage]! ^= 0x40;
    const before = damaged.slice();
    assert.equal(shiftHeaderTime(damaged, 1), -1);
    assert.deepEqual(damaged, before);
  }
});
