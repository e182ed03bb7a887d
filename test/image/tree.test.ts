import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFlatdeltaError } from "../../src/errors.ts";
import { file, folder, hardLink, type RawEntry, symlink } from "./tar-builder.ts";
import { describeTree, findNode, mergeEntries } from "./tree-lines.ts";

const hasCode = (code: string) => (error: unknown) => isFlatdeltaError(error) && error.code === code;
const describeLayers = async (...layers: RawEntry[][]) => describeTree(await mergeEntries(layers));

describe("whiteouts", () => {
  test("hide files and folders of lower layers", async () => {
    const lower = [folder("d/"), file("d/a", "1"), file("d/b", "2"), folder("d/sub/"), file("d/sub/x")];
    assert.deepEqual(await describeLayers(lower, [file("d/.wh.a"), file("d/.wh.sub")]), ["d/", "d/b=2"]);
    assert.deepEqual(await describeLayers(lower, [file(".wh.d")]), []);
  });

  test("hide nothing of their own layer, wherever they stand in it", async () => {
    const lower = [folder("d/"), file("d/old"), file("a", "old")];
    const upper = [file("a", "new"), folder("d/"), file("d/new")];
    const expected = ["a=new", "d/", "d/new="];
    for (const hide of [
      [file(".wh.a"), file(".wh.d")],
      [file(".wh.a"), file("d/.wh..wh..opq")],
    ]) {
      assert.deepEqual(await describeLayers(lower, [...hide, ...upper]), expected);
      assert.deepEqual(await describeLayers(lower, [...upper, ...hide]), expected);
    }
  });

  test("of both kinds give the same tree in any order", async () => {
    const lower = [folder("d/"), file("d/a"), symlink("l", "d"), folder("e/"), file("e/x"), file("e/y")];
    const hide = [file(".wh.l"), file("l/.wh.a"), file("e/.wh..wh..opq"), file("e/.wh.x")];
    const expected = await describeLayers(lower, hide);
    assert.deepEqual(expected, ["d/", "e/"]);
    assert.deepEqual(await describeLayers(lower, hide.toReversed()), expected);
  });

  test("opaque: hide all that lower layers have in the folder, and keep the folder", async () => {
    const lower = [folder("d/", { mode: 0o700 }), file("d/a"), folder("d/s/"), file("d/s/b"), file("e")];
    const root = await mergeEntries([lower, [file("d/.wh..wh..opq"), file("d/c", "3")]]);
    assert.deepEqual(await describeTree(root), ["d/", "d/c=3", "e="]);
    assert.equal(findNode(root, "d").mode, 0o700);
    assert.deepEqual(await describeLayers(lower, [file(".wh..wh..opq"), file("f")]), ["f="]);
  });

  test("of what is not there hide nothing", async () => {
    assert.deepEqual(
      await describeLayers(
        [file("a")],
        [file(".wh.x"), file("a/.wh.y"), file("no/.wh.z"), file("no/.wh..wh..opq")],
      ),
      ["a="],
    );
  });

  test("hide behind symlinked parents, unless their own layer replaces the symlink", async () => {
    const lower = [folder("real/"), file("real/a", "1"), symlink("link", "/real")];
    assert.deepEqual(await describeLayers(lower, [file("link/.wh.a")]), ["link->/real", "real/"]);
    assert.deepEqual(await describeLayers(lower, [folder("link/"), file("link/.wh.a")]), [
      "link/",
      "real/",
      "real/a=1",
    ]);
  });

  test("other records of aufs are skipped", async () => {
    assert.deepEqual(
      await describeLayers([
        file(".wh..wh.aufs"),
        folder(".wh..wh.plnk/"),
        file(".wh..wh.plnk/1.2"),
        file("a"),
      ]),
      ["a="],
    );
  });

  test("with impossible names are refused", async () => {
    for (const name of [".wh.", ".wh..", "d/.wh...", ".wh.d/x"])
      await assert.rejects(mergeEntries([[file(name)]]), hasCode("BAD_ENTRY"), name);
    const through = [symlink("l", ".wh.x"), file("l/f")];
    await assert.rejects(mergeEntries([through]), hasCode("BAD_ENTRY"));
  });
});

describe("entries over entries", () => {
  test("a file replaces a folder and a folder replaces a file", async () => {
    assert.deepEqual(await describeLayers([folder("x/"), file("x/a")], [file("x", "now")]), ["x=now"]);
    assert.deepEqual(await describeLayers([file("x", "was")], [folder("x/"), file("x/a")]), ["x/", "x/a="]);
    assert.deepEqual(
      await describeLayers([folder("x/"), file("x/a")], [file("x")], [folder("x/"), file("x/b")]),
      ["x/", "x/b="],
    );
  });

  test("a folder over a folder brings its metadata and keeps the children", async () => {
    const root = await mergeEntries([
      [folder("d/", { mode: 0o700, uid: 1, pax: { "SCHILY.xattr.user.a": "1" } }), file("d/a")],
      [folder("d/", { mode: 0o750, gid: 2, mtimeSeconds: 9, pax: { "SCHILY.xattr.user.b": "2" } })],
    ]);
    assert.deepEqual(await describeTree(root), ["d/", "d/a="]);
    const { mode, uid, gid, mtimeSeconds, xattrs } = findNode(root, "d");
    assert.deepEqual([mode, uid, gid, mtimeSeconds, [...xattrs.keys()]], [0o750, 0, 2, 9, ["user.b"]]);
  });

  test("a folder replaces a symlink to a folder, a symlink replaces a folder", async () => {
    assert.deepEqual(
      await describeLayers([folder("r/"), file("r/a"), symlink("l", "r")], [folder("l/"), file("l/b")]),
      ["l/", "l/b=", "r/", "r/a="],
    );
    assert.deepEqual(await describeLayers([folder("l/"), file("l/a")], [symlink("l", "x")]), ["l->x"]);
  });

  test("of one layer: the later wins", async () => {
    assert.deepEqual(
      await describeLayers([file("a", "1"), file("a", "2"), folder("b/"), file("b/x"), file("b", "3")]),
      ["a=2", "b=3"],
    );
  });

  test("the root takes metadata but no other type", async () => {
    const root = await mergeEntries([[folder("./", { mode: 0o1777, uid: 5 })]]);
    assert.deepEqual([root.mode, root.uid], [0o1777, 5]);
    await assert.rejects(mergeEntries([[symlink("./", "x")]]), hasCode("BAD_ENTRY"));
  });

  test("devices, fifos and symlinks keep what they have", async () => {
    const root = await mergeEntries([
      [
        { type: "3", name: "c", mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
        { type: "4", name: "b", mode: 0o660, deviceMajor: 8, deviceMinor: 1 },
        { type: "6", name: "p", mode: 0o622 },
        { ...symlink("s", "any where"), mode: 0o644 },
      ],
    ]);
    assert.deepEqual(await describeTree(root), ["b:block", "c:character", "p:fifo", "s->any where"]);
    const character = findNode(root, "c");
    assert.deepEqual([character.mode, character.deviceMajor, character.deviceMinor], [0o666, 1, 3]);
    assert.equal(findNode(root, "p").mode, 0o622);
    assert.equal(findNode(root, "s").mode, 0o777, "file systems show no other mode");
  });

  test("names are sorted by their bytes, folders before what is in them", async () => {
    const names = ["b", "a-", "a/", "a/z", "a.", "\xff", "B", "a0"];
    const lines = await describeLayers(names.map((name) => (name.endsWith("/") ? folder(name) : file(name))));
    assert.deepEqual(lines, ["B=", "a/", "a/z=", "a-=", "a.=", "a0=", "b=", "\xff="]);
  });

  test("an attribute with no value is left out", async () => {
    const root = await mergeEntries([
      [file("f", "", { pax: { "SCHILY.xattr.user.a": "", "SCHILY.xattr.user.b": "1" } })],
    ]);
    assert.deepEqual([...findNode(root, "f").xattrs.keys()], ["user.b"]);
  });
});

describe("hard links", () => {
  test("share content and metadata, across layers too, whatever the link entry says", async () => {
    const root = await mergeEntries([
      [
        file("a", "1", { mode: 0o600, uid: 7, pax: { "SCHILY.xattr.user.x": "1" } }),
        hardLink("b", "a", { mode: 0o777, uid: 1 }),
      ],
      [hardLink("c", "b")],
    ]);
    assert.deepEqual(await describeTree(root), ["a=1", "b==a", "c==a"]);
    assert.deepEqual([findNode(root, "c").mode, findNode(root, "c").uid], [0o600, 7]);
  });

  test("outlive the name they were made of", async () => {
    assert.deepEqual(await describeLayers([file("a", "1"), hardLink("b", "a")], [file(".wh.a")]), ["b=1"]);
    assert.deepEqual(await describeLayers([file("a", "1"), hardLink("b", "a")], [file("a", "2")]), [
      "a=2",
      "b=1",
    ]);
  });

  test("reach symlinks, devices, and targets behind symlinked folders", async () => {
    assert.deepEqual(
      await describeLayers([
        symlink("s", "x"),
        hardLink("t", "s"),
        { type: "6", name: "p" },
        hardLink("q", "p"),
        folder("d/"),
        file("d/f", "1"),
        symlink("l", "d"),
        hardLink("g", "l/f"),
      ]),
      ["d/", "d/f=1", "g==d/f", "l->d", "p:fifo", "q==p", "s->x", "t==s"],
    );
  });

  test("to nothing, to a folder, to themselves or to what their layer hides are refused", async () => {
    const bad: RawEntry[][] = [
      [hardLink("h", "none")],
      [folder("d/"), hardLink("h", "d")],
      [hardLink("h", ".")],
      [file("h"), hardLink("h", "h")],
      [hardLink("h", "later"), file("later")],
    ];
    for (const layer of bad) await assert.rejects(mergeEntries([layer]), hasCode("BAD_ENTRY"));
    await assert.rejects(
      mergeEntries([[file("a")], [hardLink("h", "a"), file(".wh.a")]]),
      hasCode("BAD_ENTRY"),
    );
  });
});

describe("folders on the way", () => {
  test("are made where no entry makes them", async () => {
    const root = await mergeEntries([[file("a/b/c")]]);
    assert.deepEqual(await describeTree(root), ["a/", "a/b/", "a/b/c="]);
    const { mode, uid, gid, mtimeSeconds } = findNode(root, "a/b");
    assert.deepEqual([mode, uid, gid, mtimeSeconds], [0o755, 0, 0, 0]);
  });

  test("are found through symlinks: relative, absolute, over the root, chained, dangling", async () => {
    const base = [folder("real/"), folder("real/in/"), folder("x/")];
    const through = async (link: RawEntry, path: string) =>
      (await describeLayers([...base, link, file(path, "!")])).find((line) => line.endsWith("=!"));
    assert.equal(await through(symlink("l", "real"), "l/f"), "real/f=!");
    assert.equal(await through(symlink("x/l", "../real/in"), "x/l/f"), "real/in/f=!");
    assert.equal(await through(symlink("x/l", "/real"), "x/l/f"), "real/f=!");
    assert.equal(await through(symlink("x/l", "../../../../real"), "x/l/f"), "real/f=!");
    assert.equal(await through(symlink("l", "real/./in/.."), "l/f"), "real/f=!");
    assert.equal(await through(symlink("l", "/"), "l/l/l/f"), "f=!");
    assert.equal(await through(symlink("l", "new/er"), "l/f"), "new/er/f=!");
    assert.deepEqual(await describeLayers([symlink("l", "gone/../x"), file("l/f")]), [
      "l->gone/../x",
      "x/",
      "x/f=",
    ]);
    assert.deepEqual(await describeLayers([symlink("a", "b"), symlink("b", "c"), file("a/f")]), [
      "a->b",
      "b->c",
      "c/",
      "c/f=",
    ]);
  });

  test("in a loop are refused", async () => {
    await assert.rejects(
      mergeEntries([[symlink("a", "b"), symlink("b", "a"), file("a/f")]]),
      hasCode("UNSAFE_PATH"),
    );
    await assert.rejects(mergeEntries([[symlink("a", "a/a"), file("a/f")]]), hasCode("UNSAFE_PATH"));
    const chain = (links: number) => [
      ...Array.from({ length: links }, (_, i) => symlink(`l${i}`, `l${i + 1}`)),
      file("l0/f"),
    ];
    assert.equal((await describeLayers(chain(255))).at(-1), "l99->l100");
    await assert.rejects(mergeEntries([chain(256)]), hasCode("UNSAFE_PATH"));
  });

  test("that are files are refused", async () => {
    await assert.rejects(mergeEntries([[file("a"), file("a/b")]]), hasCode("BAD_ENTRY"));
    await assert.rejects(mergeEntries([[file("a"), symlink("l", "a"), file("l/b")]]), hasCode("BAD_ENTRY"));
  });
});

test("limits hold, for implied folders too", async () => {
  await assert.rejects(mergeEntries([[file("a"), file("b")]], { maxEntries: 1 }), hasCode("COUNT_LIMIT"));
  await assert.rejects(mergeEntries([[file("a/b/c")]], { maxEntries: 2 }), hasCode("COUNT_LIMIT"));
  await assert.rejects(mergeEntries([[file("a/b/c")]], { maxDepth: 1 }), hasCode("COUNT_LIMIT"));
  await mergeEntries([[file("a/b/c")]], { maxEntries: 3, maxDepth: 2 });
  const growing = [symlink("l", "d/l2"), symlink("d/l2", "d/d/d"), file("l/x/y")];
  await assert.rejects(mergeEntries([growing], { maxDepth: 3 }), hasCode("COUNT_LIMIT"));
  const wide = [symlink("a", `${"./".repeat(2000)}b`), symlink("b", `${"./".repeat(2000)}c`), file("a/f")];
  await assert.rejects(
    mergeEntries(
      [wide.map((entry) => ({ ...entry, linkName: "", pax: { linkpath: entry.linkName ?? "" } }))],
      { maxDepth: 50 },
    ),
    hasCode("COUNT_LIMIT"),
  );
});
