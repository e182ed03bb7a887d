/** Layers that mean harm: what each attack comes to when it is flattened. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes } from "../../src/bytes/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { tarLayer } from "../../src/image/layer.ts";
import { encodeBinary } from "../../src/image/tar/index.ts";
import { mergeLayers } from "../../src/image/tree.ts";
import { memorySource } from "../../src/io/index.ts";
import { file, folder, hardLink, type RawEntry, rawEntry, rawTar, symlink } from "./tar-builder.ts";
import { describeTree, findNode, mergeEntries } from "./tree-lines.ts";

const LOWER = [folder("etc"), file("etc/passwd", "root"), folder("bin"), file("bin/sh", "sh")];
const LOWER_LINES = ["bin/", "bin/sh=sh", "etc/", "etc/passwd=root"];

/** The tree over {@link LOWER} that a layer makes. */
const over = async (...layer: RawEntry[]): Promise<string[]> =>
  describeTree(await mergeEntries([LOWER, layer]));

const refuses = (code: string, ...layer: RawEntry[]): Promise<void> =>
  assert.rejects(mergeEntries([LOWER, layer]), { code });

const field =
  (at: number, bytes: string) =>
  (block: Uint8Array): void =>
    block.set(encodeBinary(bytes), at);

describe("path attacks", () => {
  test("traversal by a name, a PAX path, a GNU long name and a sparse file's name is refused", async () => {
    await refuses(ErrorCode.UNSAFE_PATH, file("../evil"));
    await refuses(ErrorCode.UNSAFE_PATH, file("etc/../../evil"));
    await refuses(ErrorCode.UNSAFE_PATH, file("safe", "", { pax: { path: "../evil" } }));
    await refuses(
      ErrorCode.UNSAFE_PATH,
      { type: "L", name: "././@LongLink", content: "../evil\0" },
      file("safe"),
    );
    const sparse = { "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,0" };
    await refuses(
      ErrorCode.UNSAFE_PATH,
      file("safe", "", { pax: { ...sparse, "GNU.sparse.name": "../evil" } }),
    );
    await refuses(ErrorCode.UNSAFE_PATH, file("evil", "", { prefix: ".." }));
  });

  test("an absolute path stays inside the root", async () => {
    for (const name of ["/etc/passwd", "//etc//passwd", "/./etc/./passwd"])
      assert.deepEqual(await over(file(name, "x")), ["bin/", "bin/sh=sh", "etc/", "etc/passwd=x"], name);
  });

  test("what a global header says of paths counts for nothing", async () => {
    const global: RawEntry = { type: "g", name: "g", content: "16 path=../evil\n" };
    assert.deepEqual(await over(global, file("a")), ["a=", ...LOWER_LINES]);
  });

  test("a NUL ends a name in a header, and is refused in PAX", async () => {
    assert.deepEqual(await over(file("a\0/../../evil")), ["a=", ...LOWER_LINES]);
    for (const key of ["path", "linkpath"]) {
      const entry = { ...symlink("l", "bin"), pax: { [key]: "etc/a\0b" } };
      await refuses(ErrorCode.BAD_TAR_HEADER, entry);
    }
  });

  test("a trailing slash makes no folder of a file, and no second file", async () => {
    assert.deepEqual(await over(file("etc/passwd/", "x")), ["bin/", "bin/sh=sh", "etc/", "etc/passwd=x"]);
    await refuses(ErrorCode.BAD_ENTRY, file("etc/passwd/shadow"));
  });

  test("the root cannot become a file, a symlink or a hard link", async () => {
    for (const name of ["/", ".", "./", ""]) {
      await refuses(ErrorCode.BAD_ENTRY, file(name));
      await refuses(ErrorCode.BAD_ENTRY, symlink(name, "/etc"));
      await refuses(ErrorCode.BAD_ENTRY, hardLink(name, "etc/passwd"));
    }
  });
});

describe("look-alikes", () => {
  test("names that differ in case, or in how Unicode composes them, are different", async () => {
    const names = ["ETC", "Etc", "caf\xc3\xa9", "cafe\xcc\x81", "\xef\xbd\x85tc"];
    const lines = await over(...names.map((name) => file(name)));
    assert.deepEqual(lines, [...names.map((name) => `${name}=`), ...LOWER_LINES].sort());
  });

  test("an overlong UTF-8 slash or dot, and a backslash, separate nothing", async () => {
    const names = ["\xc0\xae\xc0\xae\xc0\xafevil", "..\\..\\evil", "...", "..evil", "\xe2\x80\xa5"];
    for (const name of names) assert.ok((await over(file(name))).includes(`${name}=`), name);
  });
});

describe("link attacks", () => {
  test("a file through a symlink that leads out of the root lands inside", async () => {
    for (const target of ["/tmp", "../../../../tmp", "/etc/../../../tmp"]) {
      const lines = await over(symlink("out", target), file("out/evil", "x"));
      assert.ok(lines.includes("tmp/evil=x"), target);
    }
  });

  test("a symlink that takes a folder's place sends later files inside the root", async () => {
    const lines = await over(folder("d"), symlink("d", "/etc"), file("d/passwd", "x"));
    assert.deepEqual(lines, ["bin/", "bin/sh=sh", "d->/etc", "etc/", "etc/passwd=x"]);
  });

  test("a file that takes a symlink's place does not write through it", async () => {
    const lines = await over(symlink("l", "/etc/passwd"), file("l", "x"));
    assert.deepEqual(lines, ["bin/", "bin/sh=sh", "etc/", "etc/passwd=root", "l=x"]);
  });

  test("a hard link out of the root is refused, by its name, by PAX, and by a GNU long link", async () => {
    await refuses(ErrorCode.UNSAFE_PATH, hardLink("h", "../../etc/shadow"));
    await refuses(ErrorCode.UNSAFE_PATH, hardLink("h", "etc/passwd", { pax: { linkpath: "../shadow" } }));
    const long: RawEntry = { type: "K", name: "././@LongLink", content: "../shadow\0" };
    await refuses(ErrorCode.UNSAFE_PATH, long, hardLink("h", "etc/passwd"));
  });

  test("a hard link through a symlink that leads out of the root finds only what is inside", async () => {
    await refuses(ErrorCode.BAD_ENTRY, symlink("out", "../../../proc/self"), hardLink("h", "out/environ"));
    const lines = await over(symlink("out", "../../etc"), hardLink("h", "out/passwd"));
    assert.ok(lines.includes("h==etc/passwd"));
  });

  test("a hard link to a symlink is that symlink, not what it leads to", async () => {
    const root = await mergeEntries([
      LOWER,
      [symlink("l", "/etc/passwd"), hardLink("h", "l"), file("h", "x")],
    ]);
    assert.equal(findNode(root, "l").linkText, "/etc/passwd");
    assert.deepEqual(await describeTree(root), [
      "bin/",
      "bin/sh=sh",
      "etc/",
      "etc/passwd=root",
      "h=x",
      "l->/etc/passwd",
    ]);
  });

  test("a symlink to itself, and one in a circle, is refused where a path goes through it", async () => {
    await refuses(ErrorCode.UNSAFE_PATH, symlink("a", "a"), file("a/x"));
    await refuses(ErrorCode.UNSAFE_PATH, symlink("a", "b"), symlink("b", "a/../b"), file("a/x"));
  });
});

describe("duplicates", () => {
  test("of two entries of one path the last counts, whatever way it is written", async () => {
    assert.deepEqual(await over(file("a", "1"), file("./a", "2"), file("/a", "3")), ["a=3", ...LOWER_LINES]);
  });

  test("a file that becomes a folder and a file again holds nothing of either", async () => {
    assert.deepEqual(await over(file("a", "1"), folder("a"), file("a/b"), file("a", "2")), [
      "a=2",
      ...LOWER_LINES,
    ]);
  });

  test("writing under one name of a file leaves its other names as they are", async () => {
    const lines = await over(hardLink("copy", "etc/passwd"), file("copy", "x"));
    assert.deepEqual(lines, ["bin/", "bin/sh=sh", "copy=x", "etc/", "etc/passwd=root"]);
  });
});

describe("whiteout attacks", () => {
  test("a whiteout of a parent or of nothing is refused", async () => {
    for (const name of [".wh.", ".wh..", ".wh...", "etc/.wh...", "etc/.wh."])
      await refuses(ErrorCode.BAD_ENTRY, file(name));
  });

  test("a whiteout with a traversal in it is refused", async () => {
    await refuses(ErrorCode.UNSAFE_PATH, file("etc/../.wh.bin"));
    await refuses(ErrorCode.UNSAFE_PATH, file("x", "", { pax: { path: "../.wh.bin" } }));
  });

  test("a whiteout through a symlink out of the root hides what is inside", async () => {
    const layers = [LOWER, [symlink("out", "../../../etc")], [file("out/.wh.passwd")]];
    assert.deepEqual(await describeTree(await mergeEntries(layers)), [
      "bin/",
      "bin/sh=sh",
      "etc/",
      "out->../../../etc",
    ]);
  });

  test("a whiteout is one by its name, whatever its type, and never an entry of the image", async () => {
    for (const entry of [folder(".wh.bin"), symlink(".wh.bin", "etc"), hardLink(".wh.bin", "etc/passwd")])
      assert.deepEqual(await over(entry), ["etc/", "etc/passwd=root"]);
  });

  test("nothing can lie in a folder whose name is a whiteout, nor come there by a symlink", async () => {
    await refuses(ErrorCode.BAD_ENTRY, file(".wh.x/y"));
    await refuses(ErrorCode.BAD_ENTRY, symlink("l", ".wh.x"), file("l/y"));
  });

  test("an opaque whiteout of the root leaves what its own layer has", async () => {
    assert.deepEqual(await over(file("new", "n"), file(".wh..wh..opq")), ["new=n"]);
  });
});

describe("device attacks", () => {
  test("a device with a size has no content, and hides no entry", async () => {
    const tar = rawTar([
      { type: "3", name: "null", sizeBytes: 5120, deviceMajor: 1, deviceMinor: 3 },
      file("after", "x"),
    ]);
    const root = await mergeLayers([tarLayer(memorySource(tar))]);
    assert.deepEqual(await describeTree(root), ["after=x", "null:character"]);
    assert.equal(findNode(root, "null").content.size, 0);
  });

  test("device numbers that are no numbers are refused, those of other types are not looked at", async () => {
    await refuses(ErrorCode.BAD_TAR_HEADER, { type: "4", name: "sda", edit: field(329, "8x") });
    assert.ok((await over(file("f", "", { edit: field(329, "8x") }))).includes("f="));
  });

  test("a file that takes a device's place is a file", async () => {
    assert.ok((await over({ type: "4", name: "sda", deviceMajor: 8 }, file("sda", "x"))).includes("sda=x"));
  });

  test("types that no image has are refused by name", async () => {
    for (const type of ["D", "M", "N", "V", "A", "8", "\xff"])
      await refuses(ErrorCode.BAD_ENTRY, { type, name: "x" });
  });
});

describe("number attacks", () => {
  const negative = "\xff".repeat(12);
  const base256 = (...bytes: number[]): string =>
    String.fromCharCode(0x80, ...Array(11 - bytes.length).fill(0), ...bytes);

  test("a negative size, owner or mode is refused", async () => {
    for (const [at, bytes] of [
      [124, negative],
      [108, "\xff".repeat(8)],
      [100, "\xff".repeat(8)],
    ] as const)
      await refuses(ErrorCode.BAD_TAR_HEADER, file("f", "", { edit: field(at, bytes) }));
    for (const key of ["size", "uid", "gid"])
      await refuses(ErrorCode.BAD_TAR_HEADER, file("f", "", { pax: { [key]: "-1" } }));
  });

  test("a size over 2^53 is refused, in base 256 and in PAX", async () => {
    await refuses(
      ErrorCode.BAD_TAR_HEADER,
      file("f", "", { edit: field(124, base256(0x20, 0, 0, 0, 0, 0, 0)) }),
    );
    for (const size of ["9007199254740992", "1e3", "0x10", " 1", "1 ", "+1", "99999999999999999999"])
      await refuses(ErrorCode.BAD_TAR_HEADER, file("f", "", { pax: { size } }));
  });

  test("a size that ends behind the archive is refused before the entry counts", async () => {
    await refuses(ErrorCode.TRUNCATED, file("f", "", { edit: field(124, base256(0x10, 0, 0, 0, 0, 0)) }));
    await refuses(ErrorCode.TRUNCATED, file("f", "", { pax: { size: "9007199254740991" } }));
  });

  test("an octal number with other letters is refused", async () => {
    for (const digits of ["00000000008", "-0000000001", "0x00000001f", "1e2"])
      await refuses(ErrorCode.BAD_TAR_HEADER, file("f", "", { edit: field(124, digits) }));
  });

  test("PAX's size wins over the header's, so that no entry can be hidden in another's content", async () => {
    const inner = rawEntry(file("smuggled", "evil"));
    const outer = file("f", inner, { sizeBytes: 0, pax: { size: String(inner.length) } });
    assert.deepEqual(await over(outer), [
      "bin/",
      "bin/sh=sh",
      "etc/",
      "etc/passwd=root",
      `f=${Buffer.from(inner).toString("latin1")}`,
    ]);
  });
});

describe("checksum attacks", () => {
  test("a checksum of nothing, of other digits, or of another block is refused", async () => {
    for (const bytes of ["        ", "\0".repeat(8), "-1234\0 ", "777777\0 "]) {
      const tar = rawTar([file("f")]);
      tar.set(encodeBinary(bytes), 148);
      await assert.rejects(
        mergeLayers([tarLayer(memorySource(tar))]),
        { code: ErrorCode.BAD_TAR_HEADER },
        bytes,
      );
    }
  });

  test("entries behind the end mark are no entries", async () => {
    const tar = concatBytes([rawTar([file("a")]), rawTar([file("evil")])]);
    assert.deepEqual(await describeTree(await mergeLayers([tarLayer(memorySource(tar))])), ["a="]);
  });

  test("one zero block, and an entry behind it, is refused", async () => {
    const tar = concatBytes([rawEntry(file("a")), new Uint8Array(512), rawEntry(file("evil"))]);
    await assert.rejects(mergeLayers([tarLayer(memorySource(tar))]), { code: ErrorCode.BAD_TAR_HEADER });
  });
});
