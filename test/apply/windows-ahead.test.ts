/** Who decodes elsewhere is told of windows before it is done with the last. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { applyDelta } from "../../src/apply/index.ts";
import { inlineCoding, type SegmentCoding, type SegmentDecoder } from "../../src/codec/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { memorySink, memorySource } from "../../src/io/index.ts";
import { makePairs } from "./in-place-pairs.ts";

/** Decoders that answer late, and the most segments that one of them had not answered. */
class LateCoding implements SegmentCoding {
  readonly createEncoder = inlineCoding.createEncoder;
  readonly #queues: boolean;
  mostPending = 0;

  constructor(queues: boolean) {
    this.#queues = queues;
  }

  createDecoder: SegmentCoding["createDecoder"] = (codec, memoryBytes) => {
    const decoder = inlineCoding.createDecoder(codec, memoryBytes);
    let pending = 0;
    let turn: Promise<unknown> = Promise.resolve();
    const inTurn = (work: () => Promise<void>): Promise<void> => {
      this.mostPending = Math.max(this.mostPending, ++pending);
      const done = turn.then(() => setImmediate()).then(work);
      turn = done.finally(() => pending--);
      return done;
    };
    const late: SegmentDecoder = {
      ...(decoder.prime !== undefined && { prime: (history) => decoder.prime!(history) }),
      ...(decoder.addTo !== undefined && {
        addTo: (coded, bytes, spans) => inTurn(() => decoder.addTo!(coded, bytes, spans)),
      }),
      isElsewhere: true,
      queues: this.#queues,
      decode: (coded, into, basis, spans) => inTurn(() => decoder.decode(coded, into, basis, spans)),
      close: () => decoder.close(),
    };
    return late;
  };
}

const [pair] = [...makePairs(1, 9, 60_000)];
const basis = memorySource(pair!.basis);
const target = Buffer.concat([pair!.target, Buffer.from("some words, and again some words. ".repeat(900))]);

for (const codec of ["mix", "fast", "none"] as const) {
  test(`up to two windows behind the one that is applied are decoded, in their order, codec ${codec}`, async () => {
    const delta = memorySink();
    await createDelta(basis, memorySource(target), delta, { codec, windowBytes: 8192, segmentBytes: 4096 });
    for (const [queues, mostPending] of [
      [true, 3],
      [false, 1],
    ] as const) {
      const segmentCoding = new LateCoding(queues);
      const made = memorySink();
      await applyDelta(basis, delta.bytes(), made, { segmentCoding });
      assert.ok(Buffer.from(made.bytes()).equals(target));
      assert.equal(segmentCoding.mostPending, mostPending);
    }
  });
}

test("before the calling thread decodes a residual, others are told of both windows behind it", async () => {
  const old = Uint8Array.from({ length: 60_000 }, (_, i) => (i * 2_654_435_761) >>> 24);
  const edited = old.map((byte, i) => byte + Number(i % 50 === 0));
  const delta = memorySink();
  const { windowCount } = await createDelta(memorySource(old), memorySource(edited), delta, {
    codec: "mix",
    windowBytes: 8192,
    segmentBytes: 8192,
  });
  let toldWindows = 0;
  const toldBefore: number[] = [];
  const segmentCoding: SegmentCoding = {
    createEncoder: inlineCoding.createEncoder,
    createDecoder: (codec, memoryBytes) => {
      const decoder = inlineCoding.createDecoder(codec, memoryBytes);
      const addTo: SegmentDecoder["addTo"] = (coded, bytes, spans) => {
        toldBefore.push(toldWindows);
        return decoder.addTo!(coded, bytes, spans);
      };
      if (codec.needsBasis) return { ...decoder, addTo };
      const decode: SegmentDecoder["decode"] = async (coded, into) => {
        if (codec.isForControl === true) toldWindows++;
        await setImmediate();
        return decoder.decode(coded, into);
      };
      return { ...decoder, isElsewhere: true, decode };
    },
  };
  const made = memorySink();
  await applyDelta(memorySource(old), delta.bytes(), made, { segmentCoding });
  assert.ok(Buffer.from(made.bytes()).equals(edited));
  assert.deepEqual(
    toldBefore,
    Array.from({ length: windowCount }, (_, window) => Math.min(window + 3, windowCount)),
  );
});
