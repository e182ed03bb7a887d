import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OrderedMatches } from "../../src/encode/ordered-matches.ts";
import type { Pair, PairMatching, PairSources } from "../../src/encode/pair-matching.ts";
import { PairQueue } from "../../src/encode/pair-queue.ts";
import { memorySource } from "../../src/io/index.ts";
import { type MatchColumns, MatchList } from "../../src/match/index.ts";

const columnsOf = (at: number, length: number, exact: boolean): MatchColumns => ({
  targetOffsets: Float64Array.of(at),
  basisOffsets: Float64Array.of(at + 5),
  lengths: Float64Array.of(length),
  exact: Uint8Array.of(Number(exact)),
});

test("matches come in the order of the calls, in whatever order they are found", () => {
  const step = fc.record({
    known: fc.boolean(),
    length: fc.integer({ min: 1, max: 9 }),
    exact: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (steps, order) => {
      const expected = new MatchList();
      const ordered = new OrderedMatches();
      const open: (() => void)[] = [];
      let at = 0;
      for (const { known, length, exact } of steps) {
        expected.add(at, at + 5, length, exact);
        if (known) ordered.known.add(at, at + 5, length, exact);
        else {
          const fill = ordered.reserve();
          const columns = columnsOf(at, length, exact);
          open.push(() => fill(columns));
        }
        at += length;
        if (order.next().value % 3 === 0) open.splice(order.next().value % (open.length + 1), 1)[0]?.();
      }
      while (open.length > 0) open.splice(order.next().value % open.length, 1)[0]!();
      assert.deepEqual([...ordered.merge()], [...expected]);
    }),
  );
});

/** Holds every pair until it is told what becomes of it. */
class HeldMatching implements PairMatching {
  readonly concurrency: number;
  readonly held: {
    pairs: readonly Pair[];
    resolve: (columns: MatchColumns) => void;
    reject: (error: unknown) => void;
    signal?: AbortSignal;
  }[] = [];

  constructor(concurrency: number) {
    this.concurrency = concurrency;
  }

  match(_sources: PairSources, pairs: readonly Pair[], signal?: AbortSignal): Promise<MatchColumns> {
    return new Promise((resolve, reject) => {
      this.held.push({ pairs, resolve, reject, ...(signal && { signal }) });
    });
  }
}

const pending = async (promise: Promise<unknown>): Promise<boolean> => {
  const turn = new Promise((resolve) => setImmediate(resolve, "pending"));
  return (await Promise.race([promise, turn])) === "pending";
};

const MIB = 2 ** 20;
const SOURCES: PairSources = {
  target: memorySource(new Uint8Array()),
  basis: memorySource(new Uint8Array()),
};

const pairOf = (bytes: number): Pair => ({
  target: { offset: 0, bytes: bytes / 2 },
  basis: [{ offset: 0, bytes: bytes / 2 }],
});

const queueOf = (matching: PairMatching, signal?: AbortSignal) =>
  new PairQueue(matching, SOURCES, () => () => {}, signal);

test("small pairs go together, in their order, and places are kept for what they give", async () => {
  const matching = new HeldMatching(2);
  let places = 0;
  const queue = new PairQueue(matching, SOURCES, () => () => places++, undefined);
  const pairs = [100, 200, MIB, 300, 2 * MIB, 400].map(pairOf);
  for (const pair of pairs) await queue.push(pair);
  const finished = queue.finish();
  const batches = [pairs.slice(0, 2), [pairs[2]], [pairs[3]], [pairs[4]]];
  assert.deepEqual(
    matching.held.map((held) => held.pairs),
    batches,
  );
  assert.ok(await pending(finished));
  for (const { resolve } of matching.held) resolve(columnsOf(0, 1, true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(matching.held.at(-1)!.pairs, [pairs[5]]);
  matching.held.at(-1)!.resolve(columnsOf(0, 1, true));
  await finished;
  assert.equal(places, 5);
  queue.close();
});

test("two batches per unit of concurrency are in flight, no more", async () => {
  const matching = new HeldMatching(2);
  const queue = queueOf(matching);
  for (let i = 0; i < 4; i++) await queue.push(pairOf(MIB));
  const room = queue.push(pairOf(MIB));
  assert.ok(await pending(room));
  matching.held[2]!.resolve(columnsOf(0, 1, true));
  await room;
  queue.close();
});

test("small pairs of files may all wait, of larger ones two batches per unit of concurrency", async () => {
  const matching = new HeldMatching(2);
  const file = { ...memorySource(new Uint8Array()), descriptor: 0 };
  const queue = new PairQueue(matching, { target: file, basis: file }, () => () => {}, undefined);
  for (let i = 0; i < 20; i++) await queue.push(pairOf(MIB));
  for (let i = 0; i < 4; i++) await queue.push(pairOf(16 * MIB));
  const room = queue.push(pairOf(16 * MIB));
  assert.ok(await pending(room));
  assert.equal(matching.held.length, 24);
  matching.held[23]!.resolve(columnsOf(0, 1, true));
  await room;
  queue.close();
});

test("pairs in flight are bounded in bytes, and one that is larger goes alone", async () => {
  const matching = new HeldMatching(8);
  const queue = queueOf(matching);
  await queue.push(pairOf(2 ** 29));
  const room = queue.push(pairOf(MIB));
  assert.ok(await pending(room));
  matching.held[0]!.resolve(columnsOf(0, 1, true));
  await room;
  await queue.push(pairOf(2 ** 28 - MIB));
  const full = queue.push(pairOf(MIB));
  assert.ok(await pending(full));
  for (const { resolve } of matching.held) resolve(columnsOf(0, 1, true));
  await full;
  const finished = queue.finish();
  assert.ok(await pending(finished));
  matching.held.at(-1)!.resolve(columnsOf(0, 1, true));
  await finished;
  queue.close();
});

test("a pair that fails ends all others, and the caller learns of it", async () => {
  const matching = new HeldMatching(2);
  const queue = queueOf(matching);
  for (let i = 0; i < 2; i++) await queue.push(pairOf(MIB));
  const finished = queue.finish();
  const error = new Error("lost");
  matching.held[1]!.reject(error);
  await assert.rejects(finished, error);
  assert.equal(matching.held[0]!.signal?.reason, error);
  matching.held[0]!.reject(new Error("later"));
  await assert.rejects(queue.push(pairOf(MIB)), error);
  queue.close();
});

test("an abort reaches the pairs in flight and whoever waits", async () => {
  const controller = new AbortController();
  const matching = new HeldMatching(1);
  const queue = queueOf(matching, controller.signal);
  await queue.push(pairOf(MIB));
  const finished = queue.finish();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(finished, reason);
  assert.equal(matching.held[0]!.signal?.reason, reason);
  queue.close();
  await assert.rejects(queueOf(matching, controller.signal).push(pairOf(MIB)), reason);
});
