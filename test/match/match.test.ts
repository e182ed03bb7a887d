import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memorySource } from "../../src/io/index.ts";
import {
  addDifference,
  MatchList,
  matchBlocks,
  mergeMatches,
  PairMatcher,
  PIECE_BYTES,
} from "../../src/match/index.ts";
import { buildSignature } from "../../src/signature/index.ts";
import { makeBytes, pairArbitrary } from "../support/pairs.ts";

/** Every match lies inside both arrays, follows the one before, and is exact when it says so. */
function checkMatches(matches: MatchList, basis: Uint8Array, target: Uint8Array): void {
  let end = 0;
  for (const { targetOffset, basisOffset, length, exact } of matches) {
    assert.ok(length > 0 && targetOffset >= end && basisOffset >= 0);
    end = targetOffset + length;
    assert.ok(end <= target.length && basisOffset + length <= basis.length);
    if (exact) {
      assert.deepEqual(
        Buffer.from(target.subarray(targetOffset, end)),
        Buffer.from(basis.subarray(basisOffset, basisOffset + length)),
      );
    }
  }
}

function matchPair(target: Uint8Array, basis: Uint8Array): MatchList {
  const matches = new MatchList();
  new PairMatcher().match(target, basis, (...match) => matches.add(...match));
  return matches;
}

const covered = (matches: MatchList): number => [...matches].reduce((sum, { length }) => sum + length, 0);

test("the matches of two files are true, for any two files", () => {
  fc.assert(
    fc.property(pairArbitrary, ({ basis, target }) => {
      checkMatches(matchPair(target, basis), basis, target);
    }),
    { numRuns: 300 },
  );
});

test("equal files are one match, whatever their length", () => {
  for (let length = 1; length < 100; length++) {
    const bytes = makeBytes(length, length);
    assert.deepEqual(
      [...matchPair(bytes, bytes)],
      [{ targetOffset: 0, basisOffset: 0, length, exact: true }],
    );
  }
});

test("a common run between unlike bytes is found", () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), fc.nat(), (inBasis, inTarget, seed) => {
      const run = makeBytes(200, seed);
      const basis = makeBytes(800, seed + 1).map((byte) => byte & 0x7f);
      const target = makeBytes(800, seed + 2).map((byte) => byte | 0x80);
      basis.set(run, inBasis);
      target.set(run, inTarget);
      assert.ok(covered(matchPair(target, basis)) >= 150);
    }),
  );
});

test("a target that is matched in pieces is covered across their edges", () => {
  const basis = new Uint8Array(2 * PIECE_BYTES + 5000);
  const random = makeBytes(1 << 16, 12);
  for (let at = 0; at < basis.length; at += random.length) {
    basis.set(random.subarray(0, basis.length - at), at);
    new DataView(basis.buffer).setUint32(at, at);
  }
  const target = basis.slice();
  for (const at of [PIECE_BYTES - 3, PIECE_BYTES + 3, 2 * PIECE_BYTES - 200, 2 * PIECE_BYTES + 4000])
    target[at]! ^= 1;
  const matches = matchPair(target, basis);
  checkMatches(matches, basis, target);
  assert.equal(covered(matches), target.length);
  for (const { targetOffset, basisOffset } of matches) assert.equal(targetOffset, basisOffset);
});

test("a changed byte in every twelve stays one alignment", () => {
  const basis = makeBytes(20_000, 9);
  const target = basis.map((byte, i) => (i % 12 === 5 && i > 100 ? byte + 1 : byte));
  const matches = matchPair(target, basis);
  assert.equal(covered(matches), target.length);
  for (const { targetOffset, basisOffset } of matches) assert.equal(targetOffset, basisOffset);
});

test("long equal runs inside a difference become exact matches", () => {
  const basis = makeBytes(2000, 10);
  const target = basis.slice();
  for (const at of [10, 12, 14, 1500]) target[at]! ^= 1;
  const matches = new MatchList();
  addDifference(matches, 5000, 7000, target, basis);
  assert.deepEqual(
    [...matches].map(({ targetOffset, basisOffset, length, exact }) => [
      targetOffset,
      basisOffset,
      length,
      exact,
    ]),
    [
      [5000, 7000, 10, true],
      [5010, 7010, 5, false],
      [5015, 7015, 1485, true],
      [6500, 8500, 1, false],
      [6501, 8501, 499, true],
    ],
  );
});

test("matches that continue each other are joined, others may not go back", () => {
  const matches = new MatchList();
  matches.add(0, 10, 5);
  matches.add(5, 15, 5);
  matches.add(10, 20, 5, false);
  matches.add(15, 0, 5);
  assert.equal(matches.size, 3);
  assert.throws(() => matches.add(19, 0, 1), RangeError);
  assert.deepEqual([...matches.gaps(30)], [{ offset: 20, length: 10 }]);
});

test("two lists are merged in the order of the target", () => {
  const a = new MatchList();
  const b = new MatchList();
  a.add(0, 100, 10);
  b.add(10, 0, 10);
  a.add(20, 5, 5);
  b.add(30, 1, 1);
  const merged = mergeMatches(a, b);
  assert.deepEqual(
    [...merged].map(({ targetOffset }) => targetOffset),
    [0, 10, 20, 30],
  );
  assert.deepEqual([...merged.gaps(31)], [{ offset: 25, length: 5 }]);
});

test("block matches are true and reach past their blocks' edges when the basis is at hand", async () => {
  await fc.assert(
    fc.asyncProperty(
      pairArbitrary,
      fc.integer({ min: 16, max: 600 }),
      async ({ basis, target }, blockBytes) => {
        const signature = await buildSignature(basis, { blockBytes });
        const whole = [{ offset: 0, length: target.length }];
        const alone = new MatchList();
        const extended = new MatchList();
        await matchBlocks({ signature, target: memorySource(target) }, whole, alone);
        await matchBlocks(
          { signature, target: memorySource(target), basis: memorySource(basis) },
          whole,
          extended,
        );
        checkMatches(alone, basis, target);
        checkMatches(extended, basis, target);
      },
    ),
    { numRuns: 80 },
  );
});

test("with the basis at hand, a change costs no more than itself", async () => {
  const basis = makeBytes(100_000, 11);
  const target = basis.slice();
  for (const at of [5000, 50_000, 90_000])
    target.set(
      [1, 2, 3, 4].map((byte) => target[at]! ^ (byte | 128)),
      at,
    );
  const signature = await buildSignature(basis, { blockBytes: 1024 });
  const matches = new MatchList();
  await matchBlocks(
    { signature, basis: memorySource(basis), target: memorySource(target) },
    [{ offset: 0, length: target.length }],
    matches,
  );
  assert.ok(target.length - covered(matches) <= 12);
});
