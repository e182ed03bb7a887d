/** Updating a tree while the power goes or the disk fails, at every operation and in every state that a disk is left in. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DeltaReader, DeltaWriter, inspectDelta, type TreeHeader } from "../../src/delta/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { flattenImage } from "../../src/image/index.ts";
import { memorySink, memorySource, type Source } from "../../src/io/index.ts";
import { findPendingUpdate, resumeTreeUpdate, updateTree } from "../../src/rootfs/update.ts";
import { type Failure, PowerCut, SimulatedDisk } from "../faults/disk.ts";
import { seededRandom } from "../faults/random.ts";
import {
  describeDisk,
  type Entry,
  hasStaging,
  makeTree,
  putTree,
  readSimulatedImage,
  siteOf,
} from "./simulated-tree.ts";

/** More than two sectors. */
const long = (letter: string) => `${" ".repeat(1100)}${letter}`;

const BEFORE: Record<string, Entry> = {
  bin: { folder: true },
  "bin/same": long("s"),
  "bin/edited": long("a"),
  "bin/removed": "bye",
  "bin/owner": { text: "cap", xattrs: { "security.capability": "1" } },
  "bin/linked": { text: "twice" },
  "bin/linked2": { link: "bin/linked" },
  file2folder: "f",
  folder2file: { folder: true },
  "folder2file/inside": "i",
  folder2link: { folder: true },
  "folder2link/deep": { folder: true },
  "folder2link/deep/file": "d",
  tty: { device: 5 },
  touched: { text: "t", time: 1 },
};

const AFTER: Record<string, Entry> = {
  bin: { folder: true, xattrs: { "user.x": "1" } },
  "bin/same": long("s"),
  "bin/edited": long("b"),
  "bin/owner": { text: "cap", uid: 7, xattrs: { "security.capability": "1" } },
  "bin/linked": { text: "twice" },
  "bin/linked2": { text: "twice", mode: 0o600 },
  "bin/new": { link: "bin/linked" },
  file2folder: { folder: true, mode: 0o700 },
  "file2folder/new": "n",
  folder2file: "g",
  folder2link: { symlink: "bin" },
  tty: { device: 3 },
  touched: { text: "t", time: 2, mode: 0o4755 },
};

// The whole proof (`npm run test:faults`) takes a quarter of an hour.
const AMOUNTS = {
  all: { pairs: 60, states: 64, cutStep: 1, secondCuts: 2, secondStep: 1, secondStates: 12 },
  some: { pairs: 1, states: 24, cutStep: 3, secondCuts: 1, secondStep: 4, secondStates: 4 },
};
const AMOUNT = AMOUNTS[process.env.FLATDELTA_FAULTS === "all" ? "all" : "some"];

interface Case {
  before: SimulatedDisk;
  delta: Source;
  oldText: string;
  newText: string;
  operationCount: number;
}

async function prepareCase(
  before: Record<string, Entry>,
  after: Record<string, Entry>,
  canSyncAll = false,
): Promise<Case> {
  const [disk, target] = [new SimulatedDisk(), new SimulatedDisk()];
  disk.canSyncAll = canSyncAll;
  await putTree(disk, before, { Env: ["A=1"] });
  await putTree(target, after, { Env: ["A=2"] });
  const [basis, wanted] = await Promise.all(
    [disk, target].map(async (from) => flattenImage(await readSimulatedImage(from))),
  );
  const sink = memorySink();
  await createDelta(basis!, wanted!, sink, { level: 1 });
  const delta = memorySource(sink.bytes());
  const whole = disk.clone();
  const usedBytes = disk.usedBytes;
  whole.settle();
  const result = await updateTree(siteOf(whole), delta);
  assert.equal(result.done, "applied");
  // All there is at any time: the two trees' contents, the journal, and the config three times while it is put in its place.
  const configBytes = (await readSimulatedImage(whole)).config.length;
  const { stagedBytes, stagedEntries, journalBytes, neededBytes } = result;
  assert.ok(whole.peakBytes <= usedBytes + stagedBytes + journalBytes + 2 * configBytes);
  assert.ok(whole.peakBytes <= usedBytes + neededBytes);
  const { contentBytes, entryCount } = (await inspectDelta(delta)).tree!;
  assert.ok(stagedBytes <= contentBytes && stagedEntries <= entryCount);
  // Its config is the target's in canonical form, so the text of the target itself would not do.
  const newText = await describeDisk(whole);
  const treeOf = (text: string) => text.slice(0, text.indexOf("\nconfig.json"));
  assert.equal(treeOf(newText), treeOf(await describeDisk(target)));
  assert.ok(!(await hasStaging(whole)));
  return {
    before: disk,
    delta,
    oldText: await describeDisk(disk),
    newText,
    operationCount: whole.operations.length,
  };
}

const theCase = await prepareCase(BEFORE, AFTER);

/** What a recovery that is not interrupted makes of a state: the old tree or the new one, and nothing beside it. */
async function recover(disk: SimulatedDisk, { oldText, newText }: Case = theCase): Promise<"old" | "new"> {
  const site = siteOf(disk);
  const pending = await findPendingUpdate(site);
  const resumed = await resumeTreeUpdate(site);
  assert.equal(resumed !== undefined, pending !== undefined);
  assert.ok(!(await hasStaging(disk)));
  const text = await describeDisk(disk);
  if (text === oldText) assert.equal(resumed, undefined);
  else assert.equal(text, newText);
  return text === oldText ? "old" : "new";
}

async function cutDuring(disk: SimulatedDisk, number: number, run: () => Promise<unknown>): Promise<boolean> {
  disk.cutAt(number);
  try {
    await run();
    return false;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return true;
  }
}

/** Cut an update at every operation and recover from every state that may follow. */
async function cutEverywhere(tried: Case, name: string): Promise<{ cuts: number; old: number; new: number }> {
  const found = { cuts: tried.operationCount, old: 0, new: 0 };
  for (let n = 0; n < tried.operationCount; n++) {
    const disk = tried.before.clone();
    assert.ok(await cutDuring(disk, n, () => updateTree(siteOf(disk), tried.delta)));
    for (const state of disk.states(AMOUNT.states, n)) {
      found[
        await recover(state, tried).catch((cause) => {
          throw new Error(`${name}: cut at ${n}`, { cause });
        })
      ]++;
    }
  }
  return found;
}

describe("a tree on a disk", () => {
  test("that loses its power at any operation is the old or the new one after recovery", async (t) => {
    const { before, delta, operationCount } = theCase;
    let stateCount = 0;
    const found = { old: 0, new: 0 };
    let wasNew = false;
    for (let n = 0; n < operationCount; n++) {
      const disk = before.clone();
      assert.ok(await cutDuring(disk, n, () => updateTree(siteOf(disk), delta)));
      for (const state of disk.states(AMOUNT.states, n)) {
        stateCount++;
        // What is durable survives into every later state: there is no way back from the new tree.
        const again = state.clone();
        const end = await recover(state);
        found[end]++;
        wasNew ||= end === "new";
        if (stateCount % 10 !== 0) continue;
        await updateTree(siteOf(again), delta);
        assert.equal(await describeDisk(again), theCase.newText);
      }
    }
    assert.ok(wasNew && found.old > 0);
    t.diagnostic(`${operationCount} cuts, ${stateCount} states: ${found.old} old, ${found.new} new`);
  });

  test("that is synced as a whole for many files does so as well", async () => {
    const manyOf = (text: string) =>
      Object.fromEntries(
        Array.from({ length: 36 }, (_, i) => [`f${i}`, i % 2 === 0 ? `${text}${i}` : { time: text.length }]),
      );
    const many = await prepareCase(manyOf("a"), manyOf("bb"), true);
    const found = new Set<string>();
    for (let n = 0; n < many.operationCount; n++) {
      const disk = many.before.clone();
      await cutDuring(disk, n, () => updateTree(siteOf(disk), many.delta));
      for (const state of disk.states(4, n)) found.add(await recover(state, many));
    }
    assert.deepEqual(found, new Set(["old", "new"]));
  });

  test("that loses its power again during recovery is the new one after the next", async (t) => {
    const { before, delta, operationCount } = theCase;
    const random = seededRandom(1);
    const { cutStep, secondCuts, secondStep, secondStates } = AMOUNT;
    let [cuts, recoveries] = [0, 0];
    for (let n = 0; n < operationCount; n += cutStep) {
      const disk = before.clone();
      await cutDuring(disk, n, () => updateTree(siteOf(disk), delta));
      const states = [...disk.states(12, n)];
      for (let drawn = 0; drawn < secondCuts; drawn++) {
        const state = states[Math.floor(random() * states.length)]!;
        const whole = state.clone();
        const end = await recover(whole);
        const step = 1 + Math.floor(random() * secondStep);
        for (let m = 0; m < whole.operations.length; m += step) {
          const second = state.clone();
          assert.ok(await cutDuring(second, m, () => resumeTreeUpdate(siteOf(second))));
          cuts++;
          for (const later of second.states(secondStates, m)) {
            recoveries++;
            assert.equal(await recover(later), end);
          }
        }
      }
    }
    t.diagnostic(`${cuts} second cuts, ${recoveries} recoveries from them`);
  });

  test("of any kind of entries loses nothing at any operation", async (t) => {
    const sum = { cuts: 0, old: 0, new: 0 };
    for (let seed = 0; seed < AMOUNT.pairs; seed++) {
      const random = seededRandom(seed);
      const tried = await prepareCase(makeTree(random), makeTree(random), seed % 2 === 0);
      const found = await cutEverywhere(tried, `seed ${seed}`);
      for (const key of ["cuts", "old", "new"] as const) sum[key] += found[key];
    }
    t.diagnostic(
      `${AMOUNT.pairs} pairs: ${sum.cuts} cuts; ${sum.old} states became the old, ${sum.new} the new`,
    );
    assert.ok(sum.old > 0 && sum.new > 0);
  });

  for (const failure of ["ENOSPC", "EIO", "SHORT"] satisfies Failure[]) {
    test(`that fails at any operation with ${failure} is the old one, or the next run completes it`, async () => {
      const { before, delta, operationCount, oldText, newText } = theCase;
      for (let n = 0; n < operationCount; n++) {
        const disk = before.clone();
        disk.failAt(n, failure);
        const failed = await updateTree(siteOf(disk), delta).then(
          () => false,
          () => true,
        );
        assert.ok(failed, `operation ${n}`);
        const isPending = (await findPendingUpdate(siteOf(disk))) !== undefined;
        if (!isPending && (await describeDisk(disk)) !== newText)
          assert.equal(await describeDisk(disk), oldText);
        const result = await updateTree(siteOf(disk), delta);
        if (isPending) assert.equal(result.done, "resumed");
        assert.equal(await describeDisk(disk), newText);
        assert.ok(!(await hasStaging(disk)));
      }
    });
  }

  test("without the room that the delta declares is refused before anything is written", async () => {
    const { neededBytes } = await updateTree(siteOf(theCase.before.clone()), theCase.delta);
    const disk = theCase.before.clone();
    disk.freeBytes = neededBytes - 1;
    await assert.rejects(updateTree(siteOf(disk), theCase.delta), {
      code: ErrorCode.NO_SPACE,
      expected: String(neededBytes),
      actual: String(neededBytes - 1),
    });
    assert.equal(disk.operations.length, 0);
    assert.equal(await describeDisk(disk), theCase.oldText);
    disk.freeBytes = neededBytes;
    assert.equal((await updateTree(siteOf(disk), theCase.delta)).done, "applied");
  });

  test("without any room is left alone by an update that was finished", async () => {
    const disk = theCase.before.clone();
    await updateTree(siteOf(disk), theCase.delta);
    const updated = disk.clone();
    updated.freeBytes = 0;
    assert.equal((await updateTree(siteOf(updated), theCase.delta)).done, "none");
    assert.equal(updated.operations.length, 0);
    assert.equal(await describeDisk(updated), theCase.newText);
  });

  test("without room for more than the config is completed once its commit has begun", async () => {
    const disk = theCase.before.clone();
    const { neededBytes } = await updateTree(siteOf(disk.clone()), theCase.delta);
    await cutDuring(disk, (await findOperation("rename")) + 3, () => updateTree(siteOf(disk), theCase.delta));
    const [, state] = disk.states(24, 1) as unknown as Iterable<SimulatedDisk>;
    for (const complete of [
      (full: SimulatedDisk) => updateTree(siteOf(full), theCase.delta),
      (full: SimulatedDisk) => resumeTreeUpdate(siteOf(full)),
    ]) {
      const full = state!.clone();
      full.freeBytes = 1024;
      assert.ok(full.freeBytes < neededBytes);
      assert.equal((await complete(full))?.done, "resumed");
      assert.equal(await describeDisk(full), theCase.newText);
    }
  });

  test("is given back what an interrupted update had staged before room is looked for", async () => {
    const disk = theCase.before.clone();
    const { neededBytes } = await updateTree(siteOf(disk.clone()), theCase.delta);
    disk.freeBytes = neededBytes;
    await cutDuring(disk, (await findOperation("rename")) - 1, () => updateTree(siteOf(disk), theCase.delta));
    const states = [...disk.states(24, 1)].filter(({ freeBytes }) => freeBytes < neededBytes);
    assert.ok(states.length > 0);
    for (const state of states)
      assert.equal((await updateTree(siteOf(state), theCase.delta)).done, "applied");
  });

  for (const [what, tree] of [
    ["nothing", undefined],
    ["too little", { contentBytes: 0, entryCount: 0 }],
  ] as const) {
    test(`without room for a delta that declares ${what} stays as it is`, async () => {
      const disk = theCase.before.clone();
      disk.freeBytes = (1 << 20) + 1000;
      const delta = await declareTree(theCase.delta, tree);
      await assert.rejects(updateTree(siteOf(disk), delta), { code: ErrorCode.NO_SPACE });
      assert.ok(disk.operations.length > 0);
      assert.equal(await describeDisk(disk), theCase.oldText);
      assert.ok(!(await hasStaging(disk)));
      disk.freeBytes = 1 << 21;
      assert.equal((await updateTree(siteOf(disk), delta)).done, "applied");
    });
  }

  test("of which an update is pending refuses another delta, and takes the same", async () => {
    const { before, delta, newText } = theCase;
    const disk = before.clone();
    const renames = await findOperation("rename");
    await cutDuring(disk, renames, () => updateTree(siteOf(disk), delta));
    const pending = [];
    for (const state of disk.states(24, 1))
      if ((await findPendingUpdate(siteOf(state))) !== undefined) pending.push(state);
    const state = pending[0]!;
    const other = await prepareCase(BEFORE, { ...AFTER, more: "m" });
    await assert.rejects(updateTree(siteOf(state), other.delta), { code: ErrorCode.UPDATE_PENDING });
    assert.equal((await updateTree(siteOf(state), delta)).done, "resumed");
    assert.equal(await describeDisk(state), newText);
  });

  test("whose journal is damaged or is another tree's is refused", async () => {
    const { before, delta } = theCase;
    const disk = before.clone();
    await cutDuring(disk, (await findOperation("rename")) + 3, () => updateTree(siteOf(disk), delta));
    const [, state] = disk.states(24, 1) as unknown as Iterable<SimulatedDisk>;
    const torn = state!.clone();
    const journal = await torn.folder(".rootfs.flatdelta").openFile("journal", "existing");
    await journal.write(journal.size - 3, new Uint8Array(1));
    await assert.rejects(resumeTreeUpdate(siteOf(torn)), { code: ErrorCode.BAD_STATE });
    const stale = state!.clone();
    await stale.folder("").rename("rootfs", "elsewhere");
    await stale.folder("").makeFolder("rootfs");
    await assert.rejects(resumeTreeUpdate(siteOf(stale)), { code: ErrorCode.BAD_STATE });
    const changed = state!.clone();
    const file = await changed.folder("rootfs/bin").openFile("same", "existing");
    await file.write(0, new Uint8Array(1));
    await assert.rejects(resumeTreeUpdate(siteOf(changed)), { code: ErrorCode.BAD_STATE });
  });
});

/** The delta, but for what it says of the room that it takes. */
async function declareTree(delta: Source, tree: TreeHeader | undefined): Promise<Source> {
  const reader = await DeltaReader.open(delta);
  const sink = memorySink();
  const writer = await DeltaWriter.begin(sink, { ...reader.header, tree });
  for await (const window of reader.windows()) await writer.writeWindow(window);
  await writer.end(reader.windowCount);
  return memorySource(sink.bytes());
}

/** The number of the first operation of a kind in an update that nothing disturbs. */
async function findOperation(kind: string): Promise<number> {
  const disk = theCase.before.clone();
  await updateTree(siteOf(disk), theCase.delta);
  return disk.operations.findIndex((operation) => operation.kind === kind);
}
