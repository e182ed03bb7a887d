/**
 * An image with everything that merging layers gets wrong, made with GNU tar and umoci.
 *
 * @module
 */
import { linkSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./tools.ts";

/** Name of the image in the layout. */
export const STRESS_TAG = "stress";

/** What `touch -d` takes for the time of a folder that no layer has an entry for. */
const NO_TIME = "1970-01-01 00:00:00 UTC";

const FIRST_LAYER_TIME = "2026-01-02 03:04:05 UTC";

/**
 * Folders of the stress image to which umoci gives the time of unpacking, and the time that they should have: those
 * without an entry in any layer, and the one above them, which umoci touches when it makes them.
 */
export const STRESS_UNTIMED_FOLDERS: readonly (readonly [path: string, date: string])[] = [
  ["loose/implicit/parent", NO_TIME],
  ["loose/implicit", NO_TIME],
  ["loose", FIRST_LAYER_TIME],
];

/** A layer's folder, with short ways to fill it. */
class LayerFolder {
  constructor(readonly root: string) {
    mkdirSync(root, { recursive: true });
  }

  path(name: string): string {
    return join(this.root, name);
  }
  folder(name: string, mode = 0o755): void {
    mkdirSync(this.path(name), { recursive: true });
    run("chmod", [mode.toString(8), this.path(name)]);
  }
  file(name: string, content: string | Uint8Array = `${name}\n`, mode = 0o644): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    run("chmod", [mode.toString(8), this.path(name)]);
  }
  symlink(name: string, target: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    symlinkSync(target, this.path(name));
  }
  hardLink(name: string, existing: string): void {
    linkSync(this.path(existing), this.path(name));
  }
  /** A file name of any bytes: Node takes them as a Buffer only. */
  fileOfBytes(folder: string, name: Buffer): void {
    writeFileSync(Buffer.concat([Buffer.from(`${this.path(folder)}/`), name]), "bytes\n");
  }
  owner(name: string, uid: number, gid: number): void {
    run("chown", ["-h", `${uid}:${gid}`, this.path(name)]);
  }
  xattr(name: string, attribute: string, hex: string): void {
    run("setfattr", ["-h", "-n", attribute, "-v", `0x${hex}`, this.path(name)]);
  }
  /** Date as `touch -d` takes it; of the link itself. */
  time(name: string, date: string): void {
    run("touch", ["-h", "-d", date, this.path(name)]);
  }
  /** Give all that has no time of its own yet a fixed one. Call it before {@link time}. */
  timeAll(date: string): void {
    run("find", [this.root, "-exec", "touch", "-h", "-d", date, "{}", "+"]);
  }
}

/** A file of 5 MB with data at its start, in its middle and at its end, and holes between. */
function writeSparseFile(layer: LayerFolder, name: string): void {
  layer.file(name, "start");
  truncateSync(layer.path(name), 5_000_000);
  for (const at of [2_000_000, 4_999_000]) {
    const data = layer.path("data.tmp");
    writeFileSync(data, Buffer.alloc(1000, at % 251));
    run("dd", [
      `if=${data}`,
      `of=${layer.path(name)}`,
      "bs=1000",
      `seek=${at / 1000}`,
      "conv=notrunc",
      "status=none",
    ]);
    run("rm", [data]);
  }
}

function fillFirstLayer(layer: LayerFolder): void {
  for (const name of ["etc/opaque/a", "etc/opaque/deep/b", "etc/removed", "etc/removed-folder/x"])
    layer.file(name);
  layer.file("etc/removed-folder/y/z");
  layer.file("etc/empty", "");
  layer.file("etc/one-block", Buffer.alloc(512, 7));
  layer.file("etc/block-and-byte", Buffer.alloc(513, 8));
  layer.file("bin/su", undefined, 0o4755);
  layer.file("bin/wall", undefined, 0o2755);
  layer.folder("tmp", 0o1777);
  layer.folder("shared", 0o2775);
  layer.file("bin/ping", undefined, 0o755);
  run("setcap", ["cap_net_raw+ep", layer.path("bin/ping")]);
  layer.folder("dev");
  run("mknod", [layer.path("dev/null"), "c", "1", "3"]);
  run("mknod", [layer.path("dev/loop0"), "b", "7", "0"]);
  run("mknod", [layer.path("dev/large"), "c", "300", "70000"]);
  run("mknod", [layer.path("dev/replaced"), "c", "1", "5"]);
  layer.folder("run");
  run("mkfifo", [layer.path("run/pipe"), layer.path("run/removed-pipe")]);

  layer.file("usr/lib/libone.so");
  layer.symlink("lib", "usr/lib");
  layer.symlink("opt/absolute", "/usr/lib");
  layer.symlink("opt/nowhere", "../../../../etc/passwd");

  layer.file("kind/file-to-folder");
  layer.file("kind/folder-to-file/inner/deep");
  layer.symlink("kind/link-to-folder", "../usr/lib");
  layer.file("kind/folder-to-link/inner");
  layer.symlink("kind/link-to-file", "../etc/empty");
  layer.file("kind/same-layer");
  layer.file("late/old");
  layer.folder("loose");

  layer.file("hard/one", "linked\n");
  layer.hardLink("hard/two", "hard/one");
  layer.hardLink("hard/other-name", "hard/one");
  layer.file("hard/alone", "alone\n");
  layer.symlink("hard/symlink", "one");
  layer.hardLink("hard/symlink-again", "hard/symlink");

  const long = "long-".repeat(30);
  layer.file(`${long}/${long}/${long}/${"n".repeat(255)}`);
  layer.symlink("long-link", `${"far/".repeat(80)}away`);
  layer.folder("names");
  for (const name of [
    Buffer.from("latin-\xe9", "latin1"),
    Buffer.from([0xff, 0xfe, 0x80]),
    Buffer.from("grüße"),
    Buffer.from("new\nline"),
    Buffer.from("back\\slash"),
    Buffer.from(" spaces "),
  ]) {
    layer.fileOfBytes("names", name);
  }
  writeSparseFile(layer, "sparse/pax");
  layer.file("owners/user");
  layer.owner("owners/user", 1000, 2000);
  layer.file("owners/large");
  layer.owner("owners/large", 3_000_000, 4_000_000);
  layer.file("xattrs/file");
  layer.xattr("xattrs/file", "user.note", "68656c6c6f");
  layer.xattr("xattrs/file", "user.binary", "00ff80fe0a");
  layer.xattr("xattrs/file", "trusted.owner", "01");
  layer.folder("xattrs/folder");
  layer.xattr("xattrs/folder", "user.folder", "31");
  layer.symlink("xattrs/link", "file");
  layer.xattr("xattrs/link", "trusted.link", "32");
  layer.file("xattrs/replaced");
  layer.xattr("xattrs/replaced", "user.gone", "33");

  // As some distributions ship it: a root that a runtime would not make by itself.
  layer.folder(".", 0o555);
  // Gone again with the second layer, whose entry for the root has none.
  layer.xattr(".", "user.root", "34");

  for (const name of ["subsecond", "before-1970", "after-2038", "after-2106"]) layer.file(`times/${name}`);
  layer.timeAll(FIRST_LAYER_TIME);
  layer.time("times/subsecond", "2026-01-02 03:04:05.123456789 UTC");
  layer.time("times/before-1970", "1965-05-05 05:05:05.25 UTC");
  layer.time("times/after-2038", "2040-01-01 00:00:00 UTC");
  layer.time("times/after-2106", "2110-01-01 00:00:00.5 UTC");
  layer.time("opt/absolute", "2026-02-03 04:05:06.5 UTC");
  layer.time("times", "2026-02-03 04:05:07.75 UTC");
  layer.time(".", "2026-02-03 04:05:08.000000001 UTC");
}

function fillSecondLayer(layer: LayerFolder): void {
  layer.file("etc/opaque/.wh..wh..opq", "");
  layer.file("etc/opaque/c");
  layer.file("etc/.wh.removed", "");
  layer.file("etc/.wh.removed-folder", "");
  layer.file("run/.wh.removed-pipe", "");
  layer.file("kind/file-to-folder/now/a/folder");
  layer.file("kind/folder-to-file", "now a file\n");
  layer.file("kind/link-to-folder/inside", "now a folder\n");
  layer.symlink("kind/folder-to-link", "../etc");
  layer.file("kind/link-to-file", "now a file\n");
  layer.file("kind/.wh.same-layer", "");
  layer.file("kind/same-layer", "of the second layer\n");
  layer.file("dev/replaced", "now a file\n");
  layer.file("xattrs/replaced", "now without attributes\n");
  layer.folder(".", 0o555);
  const long = "gnu-".repeat(35);
  layer.file(`${long}/${"g".repeat(200)}`);
  layer.symlink("gnu-link", `${"gnu/".repeat(60)}away`);
  layer.timeAll("2026-03-04 05:06:07 UTC");
}

function fillThirdLayer(layer: LayerFolder): void {
  layer.file("etc/removed", "there again\n");
  layer.folder("etc", 0o700);
  layer.owner("etc", 5, 6);
  layer.file("hard/one", "replaced: its old names keep the old content\n");
  layer.file("hard/.wh.two", "");
  layer.timeAll("2026-05-06 07:08:09.5 UTC");
}

const TAR_OPTIONS = ["--sort=name", "--numeric-owner", "--xattrs", "--xattrs-include=*"];
const PAX = "--format=posix";
const GNU = "--format=gnu";
// GNU tar would record access times otherwise: bytes that depend on when this runs.
const PAX_TIMES = "--pax-option=delete=atime,delete=ctime";

/** Members of a tar that GNU tar would not write from a folder as it is: no parents, in this order. */
function writeMembers(folder: LayerFolder, tar: string, members: readonly string[]): void {
  run("tar", ["-c", PAX, PAX_TIMES, "--no-recursion", "-f", tar, "-C", folder.root, "--", ...members]);
}

/**
 * Build the stress image.
 *
 * @param work - an empty folder.
 * @returns the OCI layout that holds it as {@link STRESS_TAG}.
 */
export function buildStressImage(work: string): string {
  const layout = join(work, "stress.oci");
  const image = `${layout}:${STRESS_TAG}`;
  run("umoci", ["init", "--layout", layout]);
  run("umoci", ["new", "--image", image]);
  const addLayer = (tar: string): void => {
    run("umoci", ["raw", "add-layer", "--image", image, tar]);
  };

  const first = new LayerFolder(join(work, "first"));
  fillFirstLayer(first);
  const firstTar = join(work, "first.tar");
  run("tar", ["-c", PAX, PAX_TIMES, "-S", ...TAR_OPTIONS, "-f", firstTar, "-C", first.root, "."]);
  addLayer(firstTar);

  const second = new LayerFolder(join(work, "second"));
  fillSecondLayer(second);
  const secondTar = join(work, "second.tar");
  run("tar", ["-c", GNU, "--sort=name", "--numeric-owner", "-f", secondTar, "-C", second.root, "."]);
  addLayer(secondTar);

  const third = new LayerFolder(join(work, "third"));
  fillThirdLayer(third);
  const thirdTar = join(work, "third.tar");
  run("tar", ["-c", PAX, PAX_TIMES, ...TAR_OPTIONS, "-f", thirdTar, "-C", third.root, "etc", "hard"]);
  addLayer(thirdTar);

  addLayer(writeParentlessLayer(work));
  addLayer(writeLinkLayer(work));
  run("umoci", [
    "config",
    ...["--image", image, "--config.env", "A=b", "--config.cmd", "/bin/none", "--config.user", "1000:2000"],
    ...["--config.label", "stress=yes", "--config.workingdir", "/etc", "--created", "2026-06-07T08:09:10Z"],
  ]);
  return layout;
}

/** An image of one layer that umoci cannot read, and the folder it was made from. */
export interface SparseImage {
  layout: string;
  folder: string;
}

/**
 * Build an image whose layer has sparse files in GNU tar's own form, with more holes than one header can name.
 *
 * @param work - an empty folder.
 */
export function buildGnuSparseImage(work: string): SparseImage {
  const layout = join(work, "sparse.oci");
  const image = `${layout}:${STRESS_TAG}`;
  run("umoci", ["init", "--layout", layout]);
  run("umoci", ["new", "--image", image]);
  const layer = new LayerFolder(join(work, "sparse"));
  writeSparseFile(layer, "three-parts");
  layer.file("forty-parts", "");
  for (let part = 0; part < 40; part++) {
    run("dd", [
      ...[
        "if=/dev/zero",
        `of=${layer.path("forty-parts")}`,
        "bs=1",
        "count=1",
        "conv=notrunc",
        "status=none",
      ],
      `seek=${part * 100_000 + 1}`,
    ]);
  }
  truncateSync(layer.path("forty-parts"), 4_100_000);
  layer.file("only-a-hole", "");
  truncateSync(layer.path("only-a-hole"), 1_000_000);
  layer.file("not-sparse");
  layer.timeAll("2026-03-04 05:06:07 UTC");
  const tar = join(work, "sparse.tar");
  run("tar", ["-c", GNU, "-S", "--sort=name", "--numeric-owner", "-f", tar, "-C", layer.root, "."]);
  run("umoci", ["raw", "add-layer", "--image", image, tar]);
  return { layout, folder: layer.root };
}

/** Entries whose parents are symlinks or have no entry, and an opaque whiteout behind what it must not remove. */
function writeParentlessLayer(work: string): string {
  const folder = new LayerFolder(join(work, "fourth"));
  for (const name of [
    "lib/through-link",
    "opt/absolute/through-absolute-link",
    "loose/implicit/parent/file",
  ]) {
    folder.file(name);
  }
  folder.file("late/new");
  folder.file("late/.wh..wh..opq", "");
  folder.timeAll("2026-07-08 09:10:11.125 UTC");
  const tar = join(work, "fourth.tar");
  writeMembers(folder, tar, [
    "lib/through-link",
    "opt/absolute/through-absolute-link",
    "loose/implicit/parent/file",
    "late/new",
    "late/.wh..wh..opq",
  ]);
  return tar;
}

/** Hard links to a file that only a lower layer has: GNU tar writes them when the file is taken out afterwards. */
function writeLinkLayer(work: string): string {
  const folder = new LayerFolder(join(work, "fifth"));
  folder.file("hard/alone", "alone\n");
  folder.hardLink("hard/from-above", "hard/alone");
  folder.timeAll(FIRST_LAYER_TIME);
  const tar = join(work, "fifth.tar");
  writeMembers(folder, tar, ["hard/alone", "hard/from-above"]);
  run("tar", ["--delete", "-f", tar, "hard/alone"]);
  renameSync(tar, `${tar}.done`);
  return `${tar}.done`;
}
