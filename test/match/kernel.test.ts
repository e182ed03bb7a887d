/** The WASM kernel finds what the plain TypeScript beside it finds, match for match. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  addColumns,
  basisOfShared,
  createSharedPair,
  indexSharedPart,
  MatchList,
  matchPair,
  matchSharedPiece,
  PairMatcher,
  PIECE_BYTES,
  pieceOfShared,
} from "../../src/match/index.ts";
import { noise } from "../codec/mix-data.ts";
import { makeBytes, pairArbitrary } from "../support/pairs.ts";

function matchPlainly(target: Uint8Array, basis: Uint8Array, skims = false) {
  const matches = new MatchList();
  new PairMatcher().match(target, basis, (...match) => matches.add(...match), skims);
  return matches.toColumns();
}

/** A target of pieces of the basis, most from near where the last was, with bytes changed at several rates. */
function shuffle(basis: Uint8Array, length: number, seed: number): Uint8Array {
  const next = noise(seed);
  const target = new Uint8Array(length);
  let from = 0;
  for (let at = 0; at < length; ) {
    const number = next();
    const piece = Math.min(length - at, 5 + (number % (number % 7 === 0 ? 3000 : 60)));
    from = number % 5 === 0 ? number >>> 3 : from + piece + (number % 40) - 12;
    from = Math.max(0, from % Math.max(1, basis.length));
    const part = basis.subarray(from, from + piece);
    target.set(part, at);
    for (let i = at + 3; i < at + part.length; i += 2 + (number % 29)) target[i]! ^= number & 3;
    at += piece;
  }
  return target;
}

describe("the kernel", () => {
  test("finds the same in any two files", async () => {
    await fc.assert(
      fc.asyncProperty(pairArbitrary, async ({ basis, target }) => {
        assert.deepEqual(await matchPair(target, basis), matchPlainly(target, basis));
      }),
      { numRuns: 300 },
    );
  });

  test("finds the same where alignments change often", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 16, max: 40_000 }),
        fc.nat(30_000),
        fc.nat(),
        fc.boolean(),
        async (basisBytes, targetBytes, seed, skims) => {
          const basis = makeBytes(basisBytes, seed);
          const target = shuffle(basis, targetBytes, seed + 1);
          assert.deepEqual(await matchPair(target, basis, skims), matchPlainly(target, basis, skims));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("finds the same where most bytes are equal and it skims, and looks at fewer places then", async () => {
    // What repeats after 100 bytes, but for one in twelve: two alignments have most bytes equal.
    const basis = makeBytes(20_000, 3);
    for (let at = 100; at < basis.length; at++) if (at % 12 !== 0) basis[at] = basis[at - 100]!;
    const target = basis.slice();
    target.copyWithin(8000, 8100, 9100);
    const skimmed = await matchPair(target, basis, true);
    assert.deepEqual(skimmed, matchPlainly(target, basis, true));
    assert.notDeepEqual(skimmed, await matchPair(target, basis), "not what it finds else");
  });

  test("finds the same whatever it matched before, and at the same time", async () => {
    const files = [0, 1, 15, 16, 17, 24, 300, 70_000, 5000].map((length, i) => makeBytes(length, i + 1));
    const pairs = files.flatMap((target) => files.map((basis) => [target, basis] as const));
    const found = await Promise.all(pairs.map(([target, basis]) => matchPair(target, basis)));
    for (const [i, [target, basis]] of pairs.entries()) {
      assert.deepEqual(found[i], matchPlainly(target, basis), `${target.length} with ${basis.length}`);
    }
  });

  test("gives all matches where there are more than it lists at once", async () => {
    const next = noise(5);
    const basis = Uint8Array.from({ length: 4_000_000 }, next);
    const target = shuffle(basis, basis.length, 6);
    const found = await matchPair(target, basis);
    assert.ok(found.lengths.length > 12_000, `${found.lengths.length}`);
    assert.deepEqual(found, matchPlainly(target, basis));
  });

  test("has room for the stretch that gives most matches", async () => {
    const next = noise(10);
    const basis = Uint8Array.from({ length: PIECE_BYTES + 3000 }, next);
    const target = basis.map((byte, i) => (i % 1025 === 1024 ? byte + 1 : byte));
    const found = await matchPair(target, basis);
    assert.ok(found.lengths.length > (2 * PIECE_BYTES) / 1026, `${found.lengths.length}`);
    assert.deepEqual(found, matchPlainly(target, basis));
  });

  test("finds the same in memory that is shared, indexed in parts", async () => {
    const basis = makeBytes(200_000, 7);
    const target = new Uint8Array(PIECE_BYTES + 100_001);
    target.set(shuffle(basis, 400_000, 8));
    target.set(shuffle(basis, 250_000, 9), PIECE_BYTES - 150_000);
    const pair = createSharedPair(basis.length, 2);
    basisOfShared(pair).set(basis);
    for (const part of [3, 0, 2, 1]) await indexSharedPart(pair, part, 2);
    const pieces = [target.subarray(0, PIECE_BYTES), target.subarray(PIECE_BYTES)];
    const found = await Promise.all(
      pieces.map((piece, i) => {
        pieceOfShared(pair, 1 - i, piece.length).set(piece);
        return matchSharedPiece(pair, 1 - i, piece.length, i * PIECE_BYTES);
      }),
    );
    const joined = new MatchList();
    found.forEach((columns, i) => {
      addColumns(joined, i * PIECE_BYTES, 0, columns);
    });
    assert.deepEqual(joined.toColumns(), matchPlainly(target, basis));
  });
});
