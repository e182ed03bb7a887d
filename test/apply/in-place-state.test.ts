/** What an interrupted update left behind, when it is not what was written although its checksums fit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Journal } from "../../src/apply/in-place/journal.ts";
import { applyDeltaInPlace } from "../../src/apply/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { PowerCut, SimulatedDisk } from "../faults/disk.ts";
import { makeDelta, makePairs } from "./in-place-pairs.ts";

test("a journal of steps that no delta can have is refused", async () => {
  const identity = {
    basisBytes: 1000,
    basisSha256: new Uint8Array(32),
    targetBytes: 1000,
    targetSha256: new Uint8Array(32),
    stashBytes: 0,
  };
  for (const [stepBytes, blockBytes] of [
    [1024, 0],
    [0, 512],
    [512, 1024],
    [1000, 500],
    [2 ** 27, 512],
    [2 ** 52, 2 ** 52],
  ] as const) {
    const folder = new SimulatedDisk().folder("");
    await (await Journal.create(folder, { ...identity, stepBytes, blockBytes })).close();
    await assert.rejects(Journal.open(folder), { name: "FormatError" }, `${stepBytes}, ${blockBytes}`);
  }
});

test("an update whose file has lost its end since is refused, not resumed", async () => {
  const pair = [...makePairs(14, 40, 1200)].find(({ name }) => name.startsWith("shrinkage"))!;
  const disk = new SimulatedDisk();
  const file = await disk.folder("").openFile("image", "new");
  await file.write(0, pair.basis);
  await disk.folder("").makeFolder("scratch");
  disk.settle();
  const target = { file, scratch: disk.folder("scratch") };
  const delta = await makeDelta(pair);
  const whole = disk.clone();
  const [copy, scratch] = [await whole.folder("").openFile("image", "existing"), whole.folder("scratch")];
  await applyDeltaInPlace({ file: copy, scratch }, delta);
  const firstWrite = whole.operations.findIndex(
    ({ kind, what }) => kind === "write" && what.startsWith("image"),
  );
  disk.cutAt(firstWrite + 2);
  await assert.rejects(applyDeltaInPlace(target, delta), PowerCut);
  const [state] = disk.states(1, 1);
  const cut = await state!.folder("").openFile("image", "existing");
  assert.ok(pair.basis.length > pair.target.length);
  await cut.truncate(pair.target.length);
  await assert.rejects(applyDeltaInPlace({ file: cut, scratch: state!.folder("scratch") }, undefined), {
    code: ErrorCode.BAD_STATE,
  });
});
