/**
 * An in-place update survives a power cut at every operation, whatever the disk makes of what was not synced: the next run
 * completes it to the exact target.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyDeltaInPlace, findPendingUpdate } from "../../src/apply/index.ts";
import { equalBytes } from "../../src/bytes/index.ts";
import { readRange } from "../../src/io/index.ts";
import { PowerCut, SimulatedDisk } from "../faults/disk.ts";
import { type InPlacePair, makeDelta, makePairs } from "./in-place-pairs.ts";

// The whole proof takes 200 (`npm run test:faults`), and some minutes.
const PAIRS = Number(process.env.FLATDELTA_PAIRS ?? 14);

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
  test("survives a cut at every operation, and a second one in the recovery", async (context) => {
    let [cuts, states, second] = [0, 0, 0];
    let seed = 1;
    for (const pair of makePairs(PAIRS, 1000, 1500)) {
      const delta = await makeDelta(pair);
      const disk = await diskWith(pair.basis);
      await update(disk, delta);
      await assertDone(disk, pair, pair.name);
      const count = disk.operations.length;
      for (let at = 0; at < count; at++) {
        const cut = await diskWith(pair.basis);
        await cutUpdate(cut, delta, at);
        cuts++;
        for (const state of cut.states(64, seed++)) {
          states++;
          const hint = `${pair.name}: cut at ${at} (${disk.operations[at]!.kind} ${disk.operations[at]!.what}), state ${seed}`;
          // Every so often the power goes again while the update is completed.
          if (states % 50 === 0) {
            const again = state.clone();
            again.settle();
            again.cutAt(seed % 23);
            try {
              await update(again, delta);
            } catch (error) {
              if (!(error instanceof PowerCut)) throw new Error(hint, { cause: error });
            }
            if (again.isCut) {
              for (const next of again.states(8, seed++)) {
                second++;
                await update(next, delta).catch((cause) =>
                  assert.fail(new Error(`${hint}, second cut`, { cause })),
                );
                await assertDone(next, pair, `${hint}, second cut`);
              }
            }
          }
          await update(state, delta).catch((cause) => assert.fail(new Error(hint, { cause })));
          await assertDone(state, pair, hint);
        }
      }
    }
    context.diagnostic(
      `${PAIRS} pairs, ${cuts} cuts, ${states} states after them, ${second} after a second cut: none lost`,
    );
  });

  test("goes on after every error of the storage, or leaves the basis as it was", async (context) => {
    let failures = 0;
    for (const pair of makePairs(14, 5000, 1500)) {
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
