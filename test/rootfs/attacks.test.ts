/** Deltas whose target means harm to the machine that it is unpacked on: nothing changes, inside the tree or outside of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, encodeUtf8, toHex } from "../../src/bytes/index.ts";
import { createDelta } from "../../src/encode/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { sha256 } from "../../src/hash/index.ts";
import { flattenImage } from "../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import { updateTree } from "../../src/rootfs/update.ts";
import { encodeEnvelopeHead } from "../../src/transform/index.ts";
import { SimulatedDisk } from "../faults/disk.ts";
import { file, folder, hardLink, type RawEntry, rawTar, symlink } from "../image/tar-builder.ts";
import { describeDisk, hasStaging, putTree, readSimulatedImage, siteOf } from "./simulated-tree.ts";

const DISK = await makeDisk();

/** A tree, and beside it what must not be reached. */
async function makeDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await putTree(disk, { etc: { folder: true }, "etc/passwd": "root", out: { symlink: "../outside" } }, {});
  const top = disk.folder("");
  await top.makeFolder("outside");
  const secret = await disk.folder("outside").openFile("secret", "new");
  await secret.write(0, Uint8Array.of(1, 2, 3));
  await secret.close();
  disk.settle();
  return disk;
}

async function describeOutside(disk: SimulatedDisk): Promise<string> {
  const folder = disk.folder("outside");
  const secret = await folder.openFile("secret", "existing");
  const bytes = await readRange(secret, 0, secret.size);
  await secret.close();
  const stat = await folder.stat("secret");
  return [
    await folder.list(),
    await disk.folder("").list(),
    bytes,
    stat?.mode,
    stat?.mtimeSeconds,
    stat?.inode,
  ].join("|");
}

/** What whoever makes deltas can make a target of: a flat image with any layer. */
function evilTarget(entries: readonly RawEntry[]): Uint8Array {
  const layer = rawTar(entries);
  const digest = `sha256:${toHex(sha256(layer))}`;
  const config = encodeUtf8(
    JSON.stringify({
      architecture: "amd64",
      history: [],
      os: "linux",
      rootfs: { diff_ids: [digest], type: "layers" },
    }),
  );
  const head = encodeEnvelopeHead(config, { digest, sizeBytes: layer.length, entryCount: entries.length });
  return concatBytes([head, layer, new Uint8Array(1024)]);
}

/** Update the tree to a target; what the refusal says, everything being as it was. */
async function attack(...entries: RawEntry[]): Promise<string> {
  const disk = DISK.clone();
  const [before, outside] = [await describeDisk(disk), await describeOutside(disk)];
  const { source } = await flattenImage(await readSimulatedImage(disk));
  const sink = memorySink();
  await createDelta(source, memorySource(evilTarget(entries)), sink, { level: 1 });
  const failed = await updateTree(siteOf(disk), memorySource(sink.bytes())).then(
    () => "done",
    (error: { code?: string }) => error.code ?? String(error),
  );
  assert.equal(await describeOutside(disk), outside);
  if (failed === "done") return failed;
  assert.equal(await describeDisk(disk), before);
  assert.ok(!(await hasStaging(disk)));
  return failed;
}

const { BAD_ENTRY, BAD_TAR_HEADER, COUNT_LIMIT, UNSAFE_PATH } = ErrorCode;
const long = (name: string): RawEntry => file("x", "evil", { pax: { path: name } });

/** Paths of 1,100 folders, each of which is there. */
const deep = Array.from({ length: 1100 }, (_, i) => ({ ...folder("x"), pax: { path: "d/".repeat(i + 1) } }));

const ATTACKS: readonly (readonly [string, string, readonly RawEntry[]])[] = [
  ["traversal by a name", UNSAFE_PATH, [file("../outside/evil", "x")]],
  ["traversal from a folder of the tree", UNSAFE_PATH, [folder("etc/"), file("etc/../../outside/evil", "x")]],
  ["traversal by a PAX path", UNSAFE_PATH, [long("../outside/evil")]],
  ["traversal by a folder", UNSAFE_PATH, [folder("../outside/")]],
  ["traversal by the tree's own parent", UNSAFE_PATH, [folder("..")]],
  ["an absolute path", UNSAFE_PATH, [file("/outside/evil", "x")]],
  ["a path with a doubled slash", UNSAFE_PATH, [folder("etc/"), file("etc//passwd", "x")]],
  ["a path with a dot in it", UNSAFE_PATH, [folder("etc/"), file("etc/./passwd", "x")]],
  ["a path that begins with a dot", UNSAFE_PATH, [file("./evil", "x")]],
  ["an empty path", UNSAFE_PATH, [file("", "x")]],
  ["a file with a trailing slash", UNSAFE_PATH, [file("evil/", "x")]],
  ["a NUL in a PAX path", BAD_TAR_HEADER, [long("etc\0/evil")]],
  [
    "a symlink out of the tree, and a file through it",
    BAD_ENTRY,
    [symlink("out", "../outside"), file("out/evil", "x")],
  ],
  ["an absolute symlink, and a file through it", BAD_ENTRY, [symlink("s", "/outside"), file("s/evil", "x")]],
  ["a present symlink out of the tree, and a file through it", BAD_ENTRY, [file("out/evil", "x")]],
  [
    "a folder that a symlink replaces, and a file in it",
    BAD_ENTRY,
    [folder("d/"), symlink("d", "../outside"), file("d/evil", "x")],
  ],
  ["a hard link out of the tree", BAD_ENTRY, [hardLink("h", "../outside/secret")]],
  ["a hard link to an absolute path", BAD_ENTRY, [hardLink("h", "/outside/secret")]],
  ["a hard link through a symlink", BAD_ENTRY, [symlink("out", "../outside"), hardLink("h", "out/secret")]],
  ["a hard link to a folder", BAD_ENTRY, [folder("etc/"), hardLink("h", "etc")]],
  ["a hard link to itself", BAD_ENTRY, [hardLink("h", "h")]],
  ["a hard link to what comes later", BAD_ENTRY, [hardLink("h", "z"), file("z", "x")]],
  ["the same path twice", BAD_ENTRY, [file("a", "1"), file("a", "2")]],
  ["a file and a folder of one path", BAD_ENTRY, [file("a", "1"), folder("a/")]],
  ["a hard link over a file", BAD_ENTRY, [file("a", "1"), file("b", "2"), hardLink("b", "a")]],
  ["a file in a file", BAD_ENTRY, [file("a", "1"), file("a/b", "2")]],
  [
    "a file in a device",
    BAD_ENTRY,
    [{ type: "3", name: "a", deviceMajor: 1, deviceMinor: 5 }, file("a/b", "2")],
  ],
  ["a file in no folder", BAD_ENTRY, [file("no/file", "x")]],
  ["the root as a symlink", BAD_ENTRY, [symlink("./", "../outside")]],
  ["the root behind other entries", BAD_ENTRY, [file("a", "1"), folder("./")]],
  ["a whiteout", BAD_ENTRY, [folder("etc/"), file("etc/.wh.passwd", "")]],
  ["an opaque whiteout", BAD_ENTRY, [folder("etc/"), file("etc/.wh..wh..opq", "")]],
  ["a name that commits use", BAD_ENTRY, [file(".wh.flatdelta-0", "x")]],
  ["a type that no image has", BAD_ENTRY, [{ type: "V", name: "volume" }]],
  [
    "a size in base 256 that is negative",
    BAD_TAR_HEADER,
    [file("a", "", { edit: (block) => block.fill(0xff, 124, 136) })],
  ],
  ["folders without end", COUNT_LIMIT, deep],
];

for (const [name, code, entries] of ATTACKS) {
  test(`${name} is refused, and changes nothing`, async () => {
    assert.equal(await attack(...entries), code);
  });
}

test("look-alikes of names are other names", async () => {
  assert.equal(
    await attack(folder("ETC/"), file("ETC/passwd", "x"), folder("etc/"), file("etc/passwd", "root")),
    "done",
  );
});

test("a device's size is no content of it", async () => {
  const device = { type: "3", name: "null", sizeBytes: 512, deviceMajor: 1, deviceMinor: 3 };
  assert.equal(await attack(device, file("z", "x")), "done");
});

test("a symlink that leads out of the tree is only a text", async () => {
  assert.equal(await attack(symlink("a", "../outside/secret"), symlink("b", "/outside")), "done");
});
