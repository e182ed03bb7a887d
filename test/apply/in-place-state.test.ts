/** What an interrupted update left behind, when it is not what was written although its checksums fit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Journal } from "../../src/apply/in-place/journal.ts";
import { SpoolReader } from "../../src/apply/in-place/spool.ts";
import { applyDeltaInPlace } from "../../src/apply/index.ts";
import { ByteWriter } from "../../src/bytes/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { loadHash64 } from "../../src/hash/index.ts";
import { PowerCut, SimulatedDisk } from "../faults/disk.ts";
import { makeDelta, makePairs } from "./in-place-pairs.ts";

const { hash } = await loadHash64();

/** Open a spool whose index has one step of one piece, of these numbers: offset, target bytes, codec, raw and coded bytes. */
async function openSpool(
  numbers: readonly number[],
  layout = { stepCount: 1, stepBytes: 4096 },
): Promise<SpoolReader> {
  const file = await new SimulatedDisk().folder("").openFile("spool", "new");
  await file.write(0, new Uint8Array(1000));
  const index = new ByteWriter();
  for (const number of [1, ...numbers]) index.varint(number);
  index.u64(0n);
  index.u64(0n);
  const bytes = index.view();
  await file.write(1000, bytes);
  return SpoolReader.open(file, { offset: 1000, length: bytes.length, checksum: hash(bytes) }, layout);
}

test("a spool whose index names places outside of it is refused before memory is taken for them", async () => {
  await openSpool([0, 50, 0, 10, 20, 30, 10, 20, 30]);
  for (const numbers of [
    [990, 10, 0, 10, 0, 0, 11, 0, 0],
    [0, 10, 0, 10, 0, 0, 2 ** 40, 0, 0],
    [2 ** 53 - 1, 10, 0, 0, 0, 0, 0, 0, 1],
    [0, 10, 2, 2 ** 40, 0, 0, 10, 0, 0],
    [0, 10, 2, 0, 2 ** 30, 0, 0, 10, 0],
    [0, 4097, 0, 10, 0, 0, 10, 0, 0],
  ])
    await assert.rejects(openSpool(numbers), { code: ErrorCode.BAD_STATE }, numbers.join());
  await assert.rejects(openSpool([0, 1, 0, 1, 0, 0, 1, 0, 0], { stepCount: 2, stepBytes: 512 }), {
    code: ErrorCode.BAD_STATE,
  });
});

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
