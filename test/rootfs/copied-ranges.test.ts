import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CopiedRanges } from "../../src/rootfs/copied-ranges.ts";

test("copied ranges say where bytes come from, or nothing", () => {
  const range = fc.record({
    gap: fc.constantFrom(0, 0, 1, 700),
    length: fc.constantFrom(1, 511, 512, 5_000),
    follows: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(range, { minLength: 1, maxLength: 300 }),
      fc.array(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 2_000 })), { maxLength: 300 }),
      (ranges, asked) => {
        const copies = new CopiedRanges();
        const model: (number | undefined)[] = [];
        let [from, known] = [0, 0];
        const queue = [...ranges];
        const add = (): void => {
          const next = queue.shift();
          if (next === undefined) return;
          for (let i = 0; i < next.gap; i++) model.push(undefined);
          from += next.follows ? next.gap : next.gap + 10_000;
          copies.add(model.length, from, next.length);
          for (let i = 0; i < next.length; i++) model.push(from++);
        };
        let at = 0;
        for (const [distance, length] of asked) {
          add();
          at += distance;
          const found = copies.find(at, length);
          if (found === undefined) continue;
          known++;
          for (let i = 0; i < length; i++) assert.equal(model[at + i], found + i);
        }
        return known >= 0;
      },
    ),
  );
});

test("a long copy in pieces is one, and another beside it is not part of it", () => {
  const copies = new CopiedRanges();
  for (let at = 0; at < 100_000; at += 1_000) copies.add(at, 5_000 + at, 1_000);
  copies.add(100_000, 7, 1_000);
  assert.equal(copies.find(0, 100_000), 5_000);
  assert.equal(copies.find(50_000, 50_001), undefined);
  assert.equal(copies.find(100_000, 1_000), 7);
  assert.equal(copies.find(101_000, 1), undefined);
});

test("what is passed is found no more, what follows is", () => {
  const copies = new CopiedRanges();
  for (let at = 0; at < 1_000_000; at += 1_000) {
    copies.add(at, 2 * at, 600);
    copies.passTo(at);
  }
  assert.equal(copies.find(998_000, 600), undefined);
  assert.equal(copies.find(999_000, 600), 1_998_000);
});
