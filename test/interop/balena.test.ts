/** Delta images of balenaEngine: one that it made (`fixtures/balena`), and ours. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { concatBytes, toHex } from "../../src/bytes/index.ts";
import { ErrorCode, isFlatdeltaError } from "../../src/errors.ts";
import { sha256 } from "../../src/hash/index.ts";
import { type Image, readDockerArchive } from "../../src/image/index.ts";
import { readImage } from "../../src/image/node.ts";
import {
  applyBalenaDelta,
  createBalenaDelta,
  inspectBalenaDelta,
  isBalenaDelta,
} from "../../src/interop/index.ts";
import { memorySink, memorySource, readRange, type Source } from "../../src/io/index.ts";
import { hasProgram, readBytes } from "../interop-cross/check.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/balena/${name}`, import.meta.url));

let old: Image;
let wanted: Image;
let theirs: Image;

before(async () => {
  [old, wanted, theirs] = (await Promise.all(
    ["old.tar.gz", "new.tar.gz", "delta.tar.gz"].map((name) => readImage(fixture(name))),
  )) as [Image, Image, Image];
});

after(() => Promise.all([old, wanted, theirs].map((image) => image.close())));

const all = (source: Source): Promise<Uint8Array> => readRange(source, 0, source.size);

const layersOf = (image: Image): Promise<Uint8Array[]> =>
  Promise.all(image.layers.map(async (layer) => all(await layer.openTar!())));

async function apply(basis: Image, delta: Image): Promise<Uint8Array> {
  const sink = memorySink();
  await applyBalenaDelta(basis, delta, sink);
  return sink.bytes();
}

async function makeArchive(basis: Image, target: Image): Promise<Uint8Array> {
  const sink = memorySink();
  await createBalenaDelta(basis, target, sink);
  return sink.bytes();
}

const readArchive = (bytes: Uint8Array): Promise<Image> => readDockerArchive(memorySource(bytes));

const withCode = (...codes: readonly string[]) => {
  return (error: unknown): true => {
    assert.ok(isFlatdeltaError(error), String(error));
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  };
};

test("a delta image by balenaEngine makes the very image that it was made for", async () => {
  const made = await readArchive(await apply(old, theirs));
  assert.deepEqual(made.config, wanted.config);
  assert.deepEqual(await layersOf(made), await layersOf(wanted));
});

test("a delta image by balenaEngine is told of", async () => {
  const { basisId, target, layers } = await inspectBalenaDelta(theirs);
  assert.equal(basisId, `sha256:${toHex(sha256(old.config))}`);
  assert.equal(target.id, `sha256:${toHex(sha256(wanted.config))}`);
  assert.deepEqual(
    layers.map(({ deltaBytes, targetBytes }) => [deltaBytes, targetBytes]),
    [
      [0, undefined],
      [7269, 141_824],
    ],
  );
});

test("our delta image has the form of theirs, and makes the same image", async () => {
  const bytes = await makeArchive(old, wanted);
  assert.equal(await isBalenaDelta(memorySource(bytes)), true);
  const ours = await readArchive(bytes);
  const made = await readArchive(await apply(old, ours));
  assert.deepEqual(made.config, wanted.config);
  assert.deepEqual(await layersOf(made), await layersOf(wanted));
  const [config, theirConfig] = [ours, theirs].map(
    (image) =>
      JSON.parse(new TextDecoder().decode(image.config)) as {
        config: { Labels: object };
        rootfs: { diff_ids: string[] };
      },
  );
  assert.deepEqual(config!.config.Labels, theirConfig!.config.Labels);
  // The layer that both have is the empty layer in both.
  assert.equal(config!.rootfs.diff_ids[0], theirConfig!.rootfs.diff_ids[0]);
  const [empty, layer] = await layersOf(ours);
  assert.deepEqual(empty, new Uint8Array(1024));
  assert.equal(config!.rootfs.diff_ids[1], `sha256:${toHex(sha256(layer!))}`);
  const { layers } = await inspectBalenaDelta(ours);
  assert.ok(layers[1]!.deltaBytes < 7269);
});

test("the target has the names of its archive where an engine takes them", async () => {
  const named = {
    ...wanted,
    references: ["registry.example.com:5000/team/app:2.0", "latest", "App:1", "app"],
  };
  const sink = memorySink();
  await createBalenaDelta(old, named, sink);
  const delta = await readArchive(sink.bytes());
  assert.deepEqual(delta.references, ["registry.example.com:5000/team/app:2.0"]);
  assert.deepEqual((await readArchive(await apply(old, delta))).references, delta.references);
});

test("an image is the same bytes as its delta image to itself, and needs no delta", async () => {
  const ours = await readArchive(await makeArchive(old, old));
  const { layers } = await inspectBalenaDelta(ours);
  assert.ok(layers.every(({ delta }) => delta === undefined));
  const made = await readArchive(await apply(old, ours));
  assert.deepEqual(made.config, old.config);
});

test("the deltas inside are rdiff's", { skip: !hasProgram("rdiff") && "no rdiff" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "flatdelta-balena-"));
  try {
    writeFileSync(join(folder, "basis"), concatBytes(await layersOf(old)));
    const { layers } = await inspectBalenaDelta(await readArchive(await makeArchive(old, wanted)));
    writeFileSync(join(folder, "delta"), await all(layers[1]!.delta!));
    execFileSync("rdiff", ["patch", "basis", "delta", "target"], { cwd: folder });
    assert.deepEqual(await readBytes(join(folder, "target")), (await layersOf(wanted))[1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("another basis is refused before anything is written", async () => {
  const sink = memorySink();
  await assert.rejects(applyBalenaDelta(wanted, theirs, sink), withCode(ErrorCode.BASIS_MISMATCH));
  assert.equal(sink.bytes().length, 0);
});

test("an image that is no delta image is told from one", async () => {
  await assert.rejects(apply(old, wanted), withCode(ErrorCode.BAD_MAGIC));
  assert.equal(await isBalenaDelta(memorySource(await apply(old, theirs))), false);
  assert.equal(await isBalenaDelta(memorySource(new Uint8Array(5000))), false);
  assert.equal(await isBalenaDelta(memorySource(new Uint8Array(3))), false);
});

test("a flipped byte anywhere is refused, or changes nothing of the target", async () => {
  const bytes = await makeArchive(old, wanted);
  const expected = await layersOf(wanted);
  for (let at = 0; at < bytes.length; at += 3) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x11;
    let made: Uint8Array;
    try {
      made = await apply(old, await readArchive(damaged));
    } catch (error) {
      assert.ok(isFlatdeltaError(error), `byte ${at}: ${error}`);
      continue;
    }
    const image = await readArchive(made);
    assert.deepEqual(image.config, wanted.config, `byte ${at}`);
    assert.deepEqual(await layersOf(image), expected, `byte ${at}`);
  }
});

test("an archive that is cut off is refused", async () => {
  const bytes = await makeArchive(old, wanted);
  // What follows the last member says nothing.
  for (let length = 0; length < bytes.length - 1024 - 512; length += 97) {
    const cut = readArchive(bytes.subarray(0, length)).then((image) => apply(old, image));
    await assert.rejects(cut, (error) => isFlatdeltaError(error));
  }
});
