/**
 * An in-place update survives a power cut at every operation, whatever the disk makes of what was not synced: the next run
 * completes it to the exact target.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { applyDeltaInPlace, findPendingUpdate } from "../../src/apply/index.ts";
import { equalBytes } from "../../src/bytes/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { flattenImage, readDockerArchive } from "../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import { PowerCut, SimulatedDisk } from "../faults/disk.ts";
import { type InPlacePair, makeDelta, makePairs } from "./in-place-pairs.ts";

// The whole proof (`npm run test:faults`) takes a quarter of an hour.
const AMOUNTS = {
  all: { pairs: 200, imageCutStep: 1, failingPairs: 14 },
  many: { pairs: 56, imageCutStep: 67, failingPairs: 14 },
  some: { pairs: 14, imageCutStep: 97, failingPairs: 5 },
  few: { pairs: 3, imageCutStep: 197, failingPairs: 2 },
};
const AMOUNT = AMOUNTS[(process.env.FLATDELTA_FAULTS ?? "some") as keyof typeof AMOUNTS];

async function diskWith(basis: Uint8Array): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const file = await disk.folder("").openFile("image", "new");
  await file.write(0, basis);
  await file.close();
  await disk.folder("").makeFolder("scratch");
  disk.settle();
  return disk;
}

async function update(disk: SimulatedDisk, delta: Uint8Array): Promise<void> {
  const file = await disk.folder("").openFile("image", "existing");
  try {
    await applyDeltaInPlace({ file, scratch: disk.folder("scratch") }, delta);
  } finally {
    await file.close();
  }
}

async function imageOf(disk: SimulatedDisk): Promise<Uint8Array> {
  const file = await disk.folder("").openFile("image", "existing");
  const bytes = await readRange(file, 0, file.size);
  await file.close();
  return bytes;
}

async function assertDone(disk: SimulatedDisk, { target }: InPlacePair, hint: string): Promise<void> {
  assert.ok(equalBytes(await imageOf(disk), target), hint);
  assert.deepEqual(await disk.folder("scratch").list(), [], hint);
}

async function cutUpdate(disk: SimulatedDisk, delta: Uint8Array, at: number): Promise<void> {
  disk.cutAt(at);
  await assert.rejects(update(disk, delta), PowerCut);
}

describe("an in-place update", () => {
  const counts = { cuts: 0, states: 0, second: 0 };
  let seed = 1;

  /** Let the power go again while an update is completed, and complete it then. */
  async function cutAgain(
    state: SimulatedDisk,
    delta: Uint8Array,
    pair: InPlacePair,
    hint: string,
  ): Promise<void> {
    const again = state.clone();
    again.settle();
    again.cutAt(seed % 23);
    await update(again, delta).catch((cause) => {
      if (!(cause instanceof PowerCut)) throw new Error(hint, { cause });
    });
    if (!again.isCut) return;
    for (const next of again.states(8, seed++)) {
      counts.second++;
      await complete(next, delta, pair, `${hint}, second cut`);
    }
  }

  async function complete(
    disk: SimulatedDisk,
    delta: Uint8Array,
    pair: InPlacePair,
    hint: string,
  ): Promise<void> {
    await update(disk, delta).catch((cause) => assert.fail(new Error(hint, { cause })));
    await assertDone(disk, pair, hint);
  }

  /** Cut an update at every operation, or at every so many, and complete it from every state that may follow. */
  async function cutEverywhere(pair: InPlacePair, delta: Uint8Array, cutStep = 1): Promise<void> {
    const whole = await diskWith(pair.basis);
    await complete(whole, delta, pair, pair.name);
    for (let at = 0; at < whole.operations.length; at += cutStep) {
      const cut = await diskWith(pair.basis);
      await cutUpdate(cut, delta, at);
      counts.cuts++;
      const { kind, what } = whole.operations[at]!;
      for (const state of cut.states(64, seed++)) {
        counts.states++;
        const hint = `${pair.name}: cut at ${at} (${kind} ${what}), state ${counts.states}, seed ${seed}`;
        if (counts.states % 50 === 0) await cutAgain(state, delta, pair, hint);
        await complete(state, delta, pair, hint);
      }
    }
  }

  const tell = (what: string): string =>
    `${what}: ${counts.cuts} cuts, ${counts.states} states after them, ${counts.second} after a second cut: none lost`;

  test("survives a cut at every operation, and a second one in the recovery", async (context) => {
    for (const pair of makePairs(AMOUNT.pairs, 1000, 1500)) await cutEverywhere(pair, await makeDelta(pair));
    context.diagnostic(tell(`${AMOUNT.pairs} pairs`));
  });

  for (const [from, to] of [
    ["old", "new"],
    ["new", "old"],
  ] as const) {
    test(`of a real image survives them too, from ${from} to ${to}`, async (context) => {
      const flatten = async (name: string): Promise<Uint8Array> => {
        const archive = await readFile(new URL(`../../fixtures/pair/${name}.tar`, import.meta.url));
        const { source } = await flattenImage(await readDockerArchive(memorySource(archive)));
        return readRange(source, 0, source.size);
      };
      const [basis, target] = [await flatten(from), await flatten(to)];
      const sink = memorySink();
      const inPlace = { stepBytes: 1 << 17, blockBytes: 4096 };
      await createDelta(memorySource(basis), memorySource(target), sink, { codec: "none", inPlace });
      await cutEverywhere({ name: `${from} to ${to}`, basis, target }, sink.bytes(), AMOUNT.imageCutStep);
      context.diagnostic(tell("with the image"));
    });
  }

  test("goes on after every error of the storage, or leaves the basis as it was", async (context) => {
    let failures = 0;
    for (const pair of makePairs(AMOUNT.failingPairs, 5000, 1500)) {
      const delta = await makeDelta(pair);
      const whole = await diskWith(pair.basis);
      await update(whole, delta);
      for (let at = 0; at < whole.operations.length; at++) {
        for (const failure of ["ENOSPC", "EIO", "SHORT"] as const) {
          const hint = `${pair.name}: ${failure} at ${at} (${whole.operations[at]!.what})`;
          const disk = await diskWith(pair.basis);
          disk.failAt(at, failure);
          failures++;
          await assert.rejects(update(disk, delta), { code: failure === "EIO" ? "EIO" : "ENOSPC" }, hint);
          const file = await disk.folder("").openFile("image", "existing");
          const pending = await findPendingUpdate(disk.folder("scratch"));
          if (pending === undefined && !equalBytes(await imageOf(disk), pair.target))
            assert.ok(equalBytes(await imageOf(disk), pair.basis), hint);
          if (pending?.isPrepared)
            await applyDeltaInPlace({ file, scratch: disk.folder("scratch") }, undefined);
          else await update(disk, delta);
          await file.close();
          await assertDone(disk, pair, hint);
        }
      }
    }
    context.diagnostic(`${failures} errors, none fatal`);
  });
});
