import assert from "node:assert/strict";
import { test } from "node:test";
import { isFlatdeltaError } from "../../src/errors.ts";
import { tarLayer } from "../../src/image/layer.ts";
import type { LayerEntry } from "../../src/image/types.ts";
import { memorySource, readRange } from "../../src/io/index.ts";
import { file, folder, hardLink, type RawEntry, rawTar, symlink } from "./tar-builder.ts";
import { digestOfTar } from "./tree-lines.ts";

const hasCode = (code: string) => (error: unknown) => isFlatdeltaError(error) && error.code === code;

async function entriesOf(tar: Uint8Array, diffId?: string): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  for await (const entry of tarLayer(memorySource(tar), { diffId }).entries()) entries.push(entry);
  return entries;
}

test("paths are taken from the root of the image", async () => {
  const tar = rawTar([
    folder("./"),
    file("./a"),
    file("/b"),
    folder("c//./d/"),
    file("..e/...f"),
    hardLink("h", "./c/../c".replace("/../c", "//a")),
    symlink("s", "../../etc"),
  ]);
  assert.deepEqual(
    (await entriesOf(tar)).map((entry) => [entry.path, entry.linkPath]),
    [
      ["", ""],
      ["a", ""],
      ["b", ""],
      ["c/d", ""],
      ["..e/...f", ""],
      ["h", "c/a"],
      ["s", "../../etc"],
    ],
  );
});

test('".." in a path or in the target of a hard link is refused', async () => {
  const unsafe: RawEntry[] = [
    file("../a"),
    file("a/../../b"),
    folder("a/.."),
    hardLink("h", "../a"),
    hardLink("h", "a/../b"),
  ];
  for (const entry of unsafe)
    await assert.rejects(entriesOf(rawTar([entry])), hasCode("UNSAFE_PATH"), entry.name);
});

test("attributes of the machine are left out, those of the image are kept", async () => {
  const value = Uint8Array.from([1, 0, 0, 2, 0xff, 0, 0x80]);
  const names = [
    "security.capability",
    "security.selinux",
    "system.posix_acl_access",
    "trusted.overlay.opaque",
    "trusted.x",
    "user.overlay.origin",
    "user.x",
  ];
  const pax = Object.fromEntries(names.map((name) => [`SCHILY.xattr.${name}`, value]));
  const [entry] = await entriesOf(rawTar([file("f", "", { pax })]));
  assert.deepEqual(
    [...entry!.xattrs],
    [
      ["security.capability", value],
      ["trusted.x", value],
      ["user.x", value],
    ],
  );
});

test("the digest is proven at the end, bytes behind the archive's end included", async () => {
  const tar = new Uint8Array([...rawTar([file("f", "content")]), ...new Uint8Array(3000)]);
  assert.equal((await entriesOf(tar, digestOfTar(tar))).length, 1);
  const other = tar.slice();
  other[other.length - 1] = 1;
  await assert.rejects(entriesOf(other, digestOfTar(tar)), hasCode("DIGEST_MISMATCH"));
});

test("contents stay readable after the pass, as often as wanted", async () => {
  const tar = rawTar([file("a", "first"), file("b", "second"), file("empty")]);
  const layer = tarLayer(memorySource(tar), { diffId: digestOfTar(tar) });
  for (let pass = 0; pass < 2; pass++) {
    const contents: string[] = [];
    const entries: LayerEntry[] = [];
    for await (const entry of layer.entries()) entries.push(entry);
    for (const { content } of entries)
      contents.push(Buffer.from(await readRange(content, 0, content.size)).toString());
    assert.deepEqual(contents, ["first", "second", ""]);
  }
});

test("an aborted pass rejects with the signal's reason", async () => {
  const reason = new Error("stop");
  for (const diffId of [undefined, digestOfTar(rawTar([file("a")]))]) {
    const layer = tarLayer(memorySource(rawTar([file("a")])), { diffId });
    const pass = layer.entries({ signal: AbortSignal.abort(reason) })[Symbol.asyncIterator]();
    await assert.rejects(pass.next(), reason);
  }
});
