/** Journals of updates of root file systems that are not what was written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { encodeUtf8, toHex } from "../../src/bytes/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { sha256 } from "../../src/hash/index.ts";
import { encodeJournal, type Journal, readJournal, writeJournal } from "../../src/rootfs/journal.ts";
import type { AttributeChange } from "../../src/rootfs/plan.ts";
import { SimulatedDisk } from "../faults/disk.ts";

const CHANGE: AttributeChange = {
  path: "",
  isFolder: true,
  attributes: { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: -1, mtimeNanoseconds: 5 },
  setXattrs: [["user.x", "MQ=="]],
  removeXattrs: ["user.y"],
};

const WHOLE: Journal = {
  removals: [{ path: "bin/gone", isFolder: false }],
  folders: ["made"],
  placements: [
    { path: "made/file", from: 0, replaces: false },
    { path: "made/link", from: "bin/same", replaces: true },
  ],
  attributes: [CHANGE],
  basisSha256: "0".repeat(64),
  targetSha256: "f".repeat(64),
  targetBytes: 10_000,
  rootInode: "7",
  isPrivileged: true,
  hasConfig: false,
  hasSidecar: false,
};

/** Read a journal with this body, its checksum being right. */
async function readBody(body: Uint8Array): Promise<Journal | undefined> {
  const disk = new SimulatedDisk();
  const file = await disk.folder("").openFile("journal", "new");
  await file.write(0, encodeUtf8(`flatdelta rootfs journal 1\n${toHex(sha256(body))}\n`));
  await file.write(file.size, body);
  await file.close();
  return readJournal(disk.folder(""));
}

const read = (value: unknown): Promise<Journal | undefined> =>
  readBody(new Uint8Array(deflateRawSync(JSON.stringify(value) ?? "")));

test("a journal comes back as it was written", async () => {
  assert.deepEqual(await read(WHOLE), WHOLE);
  const attributes = Array.from({ length: 1000 }, (_, i) => ({ ...CHANGE, path: `file${i}` }));
  for (const journal of [WHOLE, { ...WHOLE, folders: [], attributes }]) {
    const folder = new SimulatedDisk().folder("");
    await writeJournal(folder, await encodeJournal(journal));
    assert.deepEqual(await readJournal(folder), journal);
  }
});

for (const path of ["", "..", "../outside", "/etc/passwd", "a/../../b", "a//b", "a/./b", "a\0b", "a/"]) {
  test(`a journal with the path ${JSON.stringify(path)} is refused before a step is done`, async () => {
    for (const steps of [
      { removals: [{ path, isFolder: true }] },
      { folders: [path] },
      { placements: [{ path, from: 0, replaces: true }] },
      { placements: [{ path: "a", from: path, replaces: true }] },
      ...(path === "" ? [] : [{ attributes: [{ ...CHANGE, path }] }]),
    ]) {
      await assert.rejects(read({ ...WHOLE, ...steps }), { code: ErrorCode.BAD_STATE });
    }
  });
}

test("a journal with a part that is missing or of another type is refused", async () => {
  for (const key of Object.keys(WHOLE)) {
    for (const value of [undefined, null, 1.5, [null], {}])
      await assert.rejects(
        read({ ...WHOLE, [key]: value }),
        { code: ErrorCode.BAD_STATE },
        `${key}: ${value}`,
      );
  }
  for (const [key, value] of Object.entries({
    mode: 0o10000,
    uid: -1,
    gid: 2 ** 32,
    mtimeSeconds: "1",
    mtimeNanoseconds: 1e9,
  })) {
    const attributes = [{ ...CHANGE, attributes: { ...CHANGE.attributes, [key]: value } }];
    await assert.rejects(read({ ...WHOLE, attributes }), { code: ErrorCode.BAD_STATE }, key);
  }
  for (const broken of [{ setXattrs: [["user.x"]] }, { setXattrs: [["user.x", 1]] }, { removeXattrs: [1] }])
    await assert.rejects(read({ ...WHOLE, attributes: [{ ...CHANGE, ...broken }] }), {
      code: ErrorCode.BAD_STATE,
    });
});

test("a journal that is no JSON, or cannot be decompressed, is refused", async () => {
  for (const value of [null, [], "text", 7]) await assert.rejects(read(value), { code: ErrorCode.BAD_STATE });
  await assert.rejects(readBody(new Uint8Array(deflateRawSync("{"))), { code: ErrorCode.BAD_STATE });
  await assert.rejects(readBody(Uint8Array.of(0xff, 0xff)), { code: ErrorCode.BAD_STATE });
});
