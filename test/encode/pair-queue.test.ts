import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OrderedMatches } from "../../src/encode/ordered-matches.ts";
import type { PairMatching } from "../../src/encode/pair-matching.ts";
import { PairQueue } from "../../src/encode/pair-queue.ts";
import { type MatchColumns, MatchList } from "../../src/match/index.ts";

const columnsOf = (length: number, exact: boolean): MatchColumns => ({
  targetOffsets: Float64Array.of(0),
  basisOffsets: Float64Array.of(0),
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
      const [expected, found] = [new MatchList(), new MatchList()];
      const ordered = new OrderedMatches(found);
      const open: (() => void)[] = [];
      let at = 0;
      for (const { known, length, exact } of steps) {
        expected.add(at, at + 5, length, exact);
        if (known) ordered.last.add(at, at + 5, length, exact);
        else {
          const fill = ordered.reserve(at, [{ offset: at + 5, bytes: length }]);
          open.push(() => fill(columnsOf(length, exact)));
        }
        at += length;
        if (order.next().value % 3 === 0) open.splice(order.next().value % (open.length + 1), 1)[0]?.();
      }
      while (open.length > 0) open.splice(order.next().value % open.length, 1)[0]!();
      assert.deepEqual([...found], [...expected]);
    }),
  );
});

/** Holds every pair until it is told what becomes of it. */
class HeldMatching implements PairMatching {
  readonly concurrency: number;
  readonly held: {
    resolve: (columns: MatchColumns) => void;
    reject: (error: unknown) => void;
    signal?: AbortSignal;
  }[] = [];

  constructor(concurrency: number) {
    this.concurrency = concurrency;
  }

  match(_target: Uint8Array, _basis: Uint8Array, signal?: AbortSignal): Promise<MatchColumns> {
    return new Promise((resolve, reject) => {
      this.held.push({ resolve, reject, ...(signal && { signal }) });
    });
  }
}

const pending = async (promise: Promise<unknown>): Promise<boolean> => {
  const turn = new Promise((resolve) => setImmediate(resolve, "pending"));
  return (await Promise.race([promise, turn])) === "pending";
};

const bytes = new Uint8Array(10);

test("two pairs per unit of concurrency are in flight, no more", async () => {
  const matching = new HeldMatching(2);
  const queue = new PairQueue(matching, undefined);
  for (let i = 0; i < 4; i++) {
    await queue.makeRoom(20);
    queue.push(bytes, bytes, () => {});
  }
  const room = queue.makeRoom(20);
  assert.ok(await pending(room));
  matching.held[2]!.resolve(columnsOf(1, true));
  await room;
  queue.close();
});

test("pairs in flight are bounded in bytes, and one that is larger goes alone", async () => {
  const matching = new HeldMatching(8);
  const queue = new PairQueue(matching, undefined);
  await queue.makeRoom(2 ** 29);
  await queue.makeRoom(20);
  queue.push(bytes, bytes, () => {});
  await queue.makeRoom(2 ** 28 - 20);
  const room = queue.makeRoom(2 ** 28 - 19);
  assert.ok(await pending(room));
  const finished = queue.finish();
  assert.ok(await pending(finished));
  matching.held[0]!.resolve(columnsOf(1, true));
  await finished;
  queue.close();
});

test("a pair that fails ends all others, and the caller learns of it", async () => {
  const matching = new HeldMatching(2);
  const queue = new PairQueue(matching, undefined);
  for (let i = 0; i < 2; i++) queue.push(bytes, bytes, () => {});
  const finished = queue.finish();
  const error = new Error("lost");
  matching.held[1]!.reject(error);
  await assert.rejects(finished, error);
  assert.equal(matching.held[0]!.signal?.reason, error);
  matching.held[0]!.reject(new Error("later"));
  await assert.rejects(queue.makeRoom(1), error);
  queue.close();
});

test("an abort reaches the pairs in flight and whoever waits", async () => {
  const controller = new AbortController();
  const matching = new HeldMatching(1);
  const queue = new PairQueue(matching, controller.signal);
  queue.push(bytes, bytes, () => {});
  const finished = queue.finish();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(finished, reason);
  assert.equal(matching.held[0]!.signal?.reason, reason);
  queue.close();
  await assert.rejects(new PairQueue(matching, controller.signal).makeRoom(1), reason);
});
