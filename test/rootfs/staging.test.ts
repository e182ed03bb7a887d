/** The folder in which new files lie beside the tree. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Staging } from "../../src/rootfs/staging.ts";
import { SimulatedDisk } from "../faults/disk.ts";

const PIECE = new Uint8Array(1 << 20).fill(1);

/** Stage a file of so many MiB. */
async function stageFile(staging: Staging, pieces: number): Promise<void> {
  const file = await staging.createFile(pieces * PIECE.length);
  for (let i = 0; i < pieces; i++) {
    await file.write(i * PIECE.length, PIECE);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await file.close();
}

function makeDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.canSyncAll = true;
  return disk;
}

const syncsOf = (disk: SimulatedDisk): number[] =>
  disk.operations.flatMap(({ kind, what }, number) =>
    kind === "sync folder" && what === "all" ? [number] : [],
  );

test("the disk is at work while files are staged, within one and from one to the next", async () => {
  for (const files of [[40], [10, 10, 10, 10]]) {
    const disk = makeDisk();
    const staging = await Staging.open(disk.folder(""));
    for (const pieces of files) await stageFile(staging, pieces);
    assert.equal(syncsOf(disk).length, 2, `${files}`);
    await staging.sync();
  }
});

test("few files, and a file system that cannot be synced as a whole, are synced in the end", async () => {
  const few = makeDisk();
  await stageFile(await Staging.open(few.folder("")), 10);
  assert.deepEqual(syncsOf(few), []);
  const other = new SimulatedDisk();
  const staging = await Staging.open(other.folder(""));
  await stageFile(staging, 40);
  assert.deepEqual(syncsOf(other), []);
  await staging.sync();
  assert.equal(other.operations.filter(({ kind }) => kind === "sync file").length, 1);
});

test("what a disk loses while files are staged is told before anything is committed", async () => {
  const trial = makeDisk();
  await stageFile(await Staging.open(trial.folder("")), 40);
  const disk = makeDisk();
  disk.failAt(syncsOf(trial)[0]!, "EIO");
  const staging = await Staging.open(disk.folder(""));
  await stageFile(staging, 40);
  await assert.rejects(staging.sync(), { code: "EIO" });
});
