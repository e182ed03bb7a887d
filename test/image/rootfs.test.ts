import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFile,
  chmod,
  link,
  lutimes,
  mkdir,
  mkdtemp,
  open,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { readRootfs } from "../../src/image/rootfs.ts";
import { XattrDumpParser } from "../../src/image/rootfs-xattrs.ts";
import type { LayerEntry } from "../../src/image/types.ts";
import { readRange } from "../../src/io/index.ts";

const isRoot = process.getuid?.() === 0;
const hasAttr = spawnSync("getfattr", ["--version"]).status === 0;
const skipOnWindows = process.platform === "win32" && "the folder holds what Windows has not";

async function walk(folder: string, xattrs: "read" | "ignore" = "ignore"): Promise<Map<string, LayerEntry>> {
  const image = await readRootfs(folder, { xattrs });
  const entries = new Map<string, LayerEntry>();
  for await (const entry of image.layers[0]!.entries()) entries.set(entry.path, entry);
  await image.close();
  return entries;
}

describe("a rootfs folder", { skip: skipOnWindows }, () => {
  let base: string;
  let root: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
    root = join(base, "rootfs");
    await mkdir(root);
  });
  afterEach(() => rm(base, { recursive: true }));

  test("types, modes, owners, times and contents", async () => {
    await mkdir(join(root, "etc"), { mode: 0o755 });
    await writeFile(join(root, "etc/motd"), "hello");
    await chmod(join(root, "etc/motd"), 0o4751);
    // Node takes a time before 1970 for "now".
    execFileSync("touch", ["-d", "1969-12-31T23:59:58.75Z", join(root, "etc/motd")]);
    await symlink("../anywhere/else", join(root, "etc/link"));
    await lutimes(join(root, "etc/link"), 7, 7);
    execFileSync("mkfifo", [join(root, "pipe")]);
    const image = await readRootfs(root, { xattrs: "ignore" });
    const entries = new Map<string, LayerEntry>();
    for await (const entry of image.layers[0]!.entries()) entries.set(entry.path, entry);
    assert.deepEqual([...entries.keys()], ["", "etc", "etc/link", "etc/motd", "pipe"]);
    const motd = entries.get("etc/motd")!;
    assert.deepEqual(
      [motd.type, motd.mode, motd.uid, motd.mtimeSeconds, motd.mtimeNanoseconds, motd.content.size],
      ["file", 0o4751, process.getuid!(), -2, 750_000_000, 5],
    );
    assert.equal(Buffer.from(await readRange(motd.content, 1, 3)).toString(), "ell");
    const symbolic = entries.get("etc/link")!;
    assert.deepEqual(
      [symbolic.type, symbolic.linkPath, symbolic.mtimeSeconds],
      ["symlink", "../anywhere/else", 7],
    );
    assert.equal(entries.get("etc")!.type, "directory");
    assert.equal(entries.get("pipe")!.type, "fifo");
    await image.close();
    await assert.rejects(motd.content.read(0, new Uint8Array(1)), /closed/);
  });

  test("children in the order of their names' bytes, names that are no UTF-8 included", async () => {
    const names = ["b", "B", "a-b", "a", "ä", "\u{1f600}", "z\nz", "back\\slash"].map((name) =>
      Buffer.from(name),
    );
    names.push(Buffer.from([0x66, 0xff, 0xfe]));
    for (const name of names) await writeFile(Buffer.concat([Buffer.from(`${root}/`), name]), name);
    const entries = await walk(root);
    const sorted = names.sort(Buffer.compare).map((name) => name.toString("latin1"));
    assert.deepEqual([...entries.keys()], ["", ...sorted]);
  });

  test("hard links refer to the first path of the walk", async () => {
    await mkdir(join(root, "a"));
    await mkdir(join(root, "b"));
    await writeFile(join(root, "b/first"), "content");
    await link(join(root, "b/first"), join(root, "c"));
    await link(join(root, "b/first"), join(root, "a/z"));
    await symlink("nowhere", join(root, "s1"));
    await link(join(root, "s1"), join(root, "s2"));
    const entries = await walk(root);
    assert.deepEqual([entries.get("a/z")!.type, entries.get("a/z")!.content.size], ["file", 7]);
    for (const path of ["b/first", "c"]) {
      const { type, linkPath, content } = entries.get(path)!;
      assert.deepEqual([type, linkPath, content.size], ["hardlink", "a/z", 0]);
    }
    assert.deepEqual([entries.get("s2")!.type, entries.get("s2")!.linkPath], ["hardlink", "s1"]);
  });

  test("sockets are left out", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(join(root, "socket"), resolve);
    });
    assert.deepEqual([...(await walk(root)).keys()], [""]);
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  test("devices", { skip: isRoot ? false : "needs root" }, async () => {
    const made = spawnSync("mknod", [join(root, "null"), "c", "1", "3"]).status === 0;
    assert.equal(made, true);
    execFileSync("mknod", [join(root, "disk"), "b", "259", "70000"]);
    const entries = await walk(root);
    const numbers = (path: string): unknown[] => {
      const { type, deviceMajor, deviceMinor } = entries.get(path)!;
      return [type, deviceMajor, deviceMinor];
    };
    assert.deepEqual(numbers("null"), ["character", 1, 3]);
    assert.deepEqual(numbers("disk"), ["block", 259, 70000]);
  });

  test("a name that would be a whiteout is refused", async () => {
    await writeFile(join(root, ".wh.x"), "");
    await assert.rejects(walk(root), { code: "BAD_ENTRY", path: ".wh.x" });
  });

  test("more files than may be open at once, read by turns", async () => {
    const tail = "x".repeat(300_000);
    for (let i = 0; i < 150; i++) {
      await writeFile(join(root, `f${i}`), `content ${i}${i % 2 === 0 ? tail : ""}`);
    }
    const image = await readRootfs(root, { xattrs: "ignore" });
    const files: LayerEntry[] = [];
    for await (const entry of image.layers[0]!.entries()) if (entry.type === "file") files.push(entry);
    for (let pass = 0; pass < 2; pass++) {
      await Promise.all(
        files.map(async ({ path, content }) => {
          const bytes = await readRange(content, 0, content.size);
          const number = Number(path.slice(1));
          assert.equal(Buffer.from(bytes).toString(), `content ${number}${number % 2 === 0 ? tail : ""}`);
        }),
      );
    }
    await image.close();
  });

  for (const [what, change] of [
    ["grown", (path: string) => appendFile(path, "more")],
    ["removed", (path: string) => rm(path)],
    [
      "rewritten at the same size",
      async (path: string) => {
        await writeFile(path, "HELLO");
        await utimes(path, 5, 5);
      },
    ],
    [
      "replaced by another file",
      async (path: string) => {
        await utimes(path, 9, 9);
        await writeFile(`${path}.new`, "HELLO");
        await utimes(`${path}.new`, 9, 9);
        await rename(`${path}.new`, path);
      },
    ],
    [
      "replaced by a symlink",
      async (path: string) => {
        await rename(path, `${path}.old`);
        await symlink(`${path}.old`, path);
      },
    ],
    [
      "replaced by a fifo",
      async (path: string) => {
        await rm(path);
        execFileSync("mkfifo", [path]);
      },
    ],
    [
      "replaced by a fifo that somebody writes to",
      async (path: string) => {
        await rm(path);
        execFileSync("mkfifo", [path]);
        const writer = await open(path, "r+");
        return () => writer.close();
      },
    ],
    [
      "replaced by a folder",
      async (path: string) => {
        await rm(path);
        await mkdir(path);
      },
    ],
  ] as const) {
    test(`a file that was ${what} since the walk is an error`, async () => {
      const path = join(root, "file");
      await writeFile(path, "hello");
      const image = await readRootfs(root, { xattrs: "ignore" });
      let content: LayerEntry["content"] | undefined;
      for await (const entry of image.layers[0]!.entries()) if (entry.type === "file") ({ content } = entry);
      const undo = await change(path);
      for (const bytes of [2, 5]) {
        await assert.rejects(content!.read(0, new Uint8Array(bytes)), {
          name: "MismatchError",
          code: "SOURCE_CHANGED",
        });
      }
      await undo?.();
      await image.close();
    });
  }

  test("a file that changes between two reads is an error", async () => {
    const path = join(root, "file");
    await writeFile(path, "hello");
    const image = await readRootfs(root, { xattrs: "ignore" });
    for await (const { type, content } of image.layers[0]!.entries()) {
      if (type !== "file") continue;
      await content.read(0, new Uint8Array(2));
      await appendFile(path, "!");
      await assert.rejects(content.read(2, new Uint8Array(3)), { code: "SOURCE_CHANGED" });
    }
    await image.close();
  });

  test("without a config the config is of this machine, with one it is the file's", async () => {
    const image = await readRootfs(root);
    const config = JSON.parse(Buffer.from(image.config).toString()) as Record<string, unknown>;
    assert.deepEqual([config.os, typeof config.architecture, config.config], ["linux", "string", {}]);
    const path = join(base, "config.json");
    await writeFile(path, '{"os": "linux", "x": 1}');
    assert.equal(
      Buffer.from((await readRootfs(root, { config: path })).config).toString(),
      '{"os": "linux", "x": 1}',
    );
    await writeFile(path, "[]");
    await assert.rejects(readRootfs(root, { config: path }), { code: "BAD_MANIFEST" });
    await assert.rejects(readRootfs(join(root, "nothing")), { code: "ENOENT" });
    await assert.rejects(readRootfs(path), { code: "IMAGE_NOT_FOUND" });
  });

  test("an aborted walk rejects with the reason", async () => {
    const reason = new Error("enough");
    for (const [reading, walking] of [
      [AbortSignal.abort(reason), undefined],
      [undefined, AbortSignal.abort(reason)],
    ]) {
      const image = await readRootfs(root, { xattrs: "ignore", signal: reading });
      await assert.rejects(async () => {
        for await (const _ of image.layers[0]!.entries({ signal: walking }));
      }, reason);
    }
  });

  test("without getfattr the error says what to do", async () => {
    const path = process.env.PATH;
    process.env.PATH = base;
    try {
      await assert.rejects(walk(root, "read"), {
        name: "UnsupportedError",
        code: "UNSUPPORTED_FEATURE",
        message: /install it \(package "attr"\), or pass xattrs: "ignore"/,
      });
    } finally {
      process.env.PATH = path;
    }
  });

  test("a getfattr that fails is an error, one that prints is understood", async () => {
    const folder = join(base, "bin");
    await mkdir(folder);
    const path = process.env.PATH;
    process.env.PATH = `${folder}${delimiter}${path}`;
    try {
      await writeFile(join(root, "file"), "");
      const script = `#!/bin/sh\nfor last; do :; done\nprintf '# file: %s/file\\nuser.note=0saGk=\\n\\n' "$last"\n`;
      await writeFile(join(folder, "getfattr"), script, { mode: 0o755 });
      const entries = await walk(root, "read");
      assert.deepEqual(entries.get("file")!.xattrs, new Map([["user.note", new Uint8Array([0x68, 0x69])]]));
      await writeFile(join(folder, "getfattr"), "#!/bin/sh\necho 'no permission' >&2; exit 1\n");
      await assert.rejects(walk(root, "read"), { code: "UNSUPPORTED_FEATURE", message: /no permission/ });
    } finally {
      process.env.PATH = path;
    }
  });

  test("extended attributes", { skip: isRoot && hasAttr ? false : "needs root and getfattr" }, async () => {
    const capability = "0x0100000200200000000000000000000000000000";
    const names = ["plain", "new\nline", "back\\slash", "c\rr", "tab\t"];
    for (const name of names) {
      await writeFile(join(root, name), "");
      execFileSync("setfattr", ["-n", "security.capability", "-v", capability, join(root, name)]);
    }
    await symlink("plain", join(root, "link"));
    await writeFile(join(root, "none"), "");
    execFileSync("setfattr", ["-n", "user.empty", join(root, "plain")]);
    execFileSync("setfattr", ["-n", "trusted.overlay.opaque", "-v", "y", root]);
    const entries = await walk(root, "read");
    for (const name of names) {
      const value = entries.get(Buffer.from(name).toString("latin1"))!.xattrs.get("security.capability");
      assert.equal(Buffer.from(value ?? []).toString("hex"), capability.slice(2), JSON.stringify(name));
    }
    assert.deepEqual(entries.get("plain")!.xattrs.get("user.empty"), new Uint8Array(0));
    for (const name of ["", "link", "none"]) assert.equal(entries.get(name)!.xattrs.size, 0, name);
  });
});

test("the dump of getfattr is parsed: escapes, empty values, attributes of the machine", () => {
  const parser = new XattrDumpParser("/r");
  const dump =
    '# file: /r/\nsecurity.selinux=0sYQ==\n\n# file: /r/a\\012b\\134c\nuser.x\\075y=0s/wA=\nuser.none\nuser.empty=""\nuser.zero=0s\n\n';
  for (const line of dump.split("\n")) parser.push(line);
  assert.deepEqual([...parser.found.keys()], ["a\nb\\c"]);
  assert.deepEqual(
    parser.found.get("a\nb\\c"),
    new Map([
      ["user.x=y", new Uint8Array([0xff, 0])],
      ["user.none", new Uint8Array(0)],
      ["user.empty", new Uint8Array(0)],
      ["user.zero", new Uint8Array(0)],
    ]),
  );
  assert.throws(() => parser.push("user.x=plain"), { code: "UNSUPPORTED_FEATURE" });
});
