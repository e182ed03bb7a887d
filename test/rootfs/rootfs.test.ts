/** Updating real folders in place. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs, {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  symlinkSync,
} from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { inspectDelta } from "../../src/delta/index.ts";
import { ErrorCode } from "../../src/errors.ts";
import { openFlatImage } from "../../src/image/index.ts";
import { memorySource, readRange, type Source } from "../../src/io/index.ts";
import { lockTarget } from "../../src/io/node.ts";
import { applyDeltaToRootfs, findPendingRootfsUpdate, resumeRootfs } from "../../src/rootfs/index.ts";
import { openTreeFolder } from "../../src/rootfs/node-tree.ts";
import { run } from "../cli/harness.ts";
import {
  arbitraryPair,
  buildTree,
  deltaBetween,
  flattenFolder,
  type Item,
  type ItemChoices,
  type Items,
} from "./real-tree.ts";

const isRoot = process.platform === "linux" && process.getuid!() === 0;
const NOBODY = 65_534;

async function inFolder(use: (base: string) => Promise<void>): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), "flatdelta-test-"));
  try {
    await use(base);
  } finally {
    await rm(base, { recursive: true });
  }
}

const file = (content: string, more: Partial<Item> = {}): Item => ({
  kind: "file",
  content,
  mode: 0o644,
  uid: 0,
  mtimeSeconds: 1_000_000,
  nanoseconds: 0,
  xattr: "",
  ...more,
});

const OLD: Items = {
  "etc/motd": file("hello"),
  "etc/same": file("same"),
  "etc/touched": file("touched"),
  "usr/lib/gone": file("gone"),
};
const NEW: Items = {
  "etc/motd": file("hello again"),
  "etc/same": file("same"),
  "etc/touched": file("touched", { mtimeSeconds: 2_000_000 }),
  "usr/lib/new": file("new"),
};

interface Pair {
  base: string;
  old: string;
  delta: Source;
  before: Uint8Array;
  target: Uint8Array;
}

/** A folder that is the basis of a delta. */
async function makePair(base: string, [before, after]: readonly [Items, Items] = [OLD, NEW]): Promise<Pair> {
  const [old, fresh] = [join(base, "old"), join(base, "new")];
  buildTree(old, before);
  buildTree(fresh, after);
  const target = await flattenFolder(fresh);
  return { base, old, target, delta: await deltaBetween(old, fresh), before: await flattenFolder(old) };
}

/** Run with one call of `node:fs` replaced, wherever it was imported. */
async function withCall<Name extends "linkSync">(
  name: Name,
  replacement: (original: (typeof fs)[Name]) => (typeof fs)[Name],
  use: () => Promise<void>,
): Promise<void> {
  const original = fs[name];
  fs[name] = replacement(original);
  syncBuiltinESMExports();
  try {
    await use();
  } finally {
    fs[name] = original;
    syncBuiltinESMExports();
  }
}

/** Start an update of which the second link fails: it is pending then. */
async function interrupt({ old, delta }: Pair): Promise<void> {
  let calls = 0;
  await withCall(
    "linkSync",
    (original) =>
      (...args) => {
        if (++calls === 2) throw Object.assign(new Error("EIO"), { code: "EIO" });
        original(...args);
      },
    () => assert.rejects(applyDeltaToRootfs(old, delta), { code: "EIO" }),
  );
}

const CHOICES: readonly (readonly [name: string, choices: ItemChoices, runs: number])[] = [
  [
    "all kinds",
    {
      kinds: ["file", "file", "folder", "symlink", "link", "link", "device", "fifo"],
      uids: [0, 7],
      isRich: false,
    },
    40,
  ],
  ["attributes and times", { kinds: ["file", "folder", "symlink"], uids: [0, 1000], isRich: true }, 15],
];

// On further versions of Node a few cases show whether the calls to the system are right.
const isBrief = process.env.FLATDELTA_FAULTS === "few";

describe("a rootfs folder in place", { skip: !isRoot && "needs root on Linux" }, () => {
  for (const [name, choices, numRuns] of CHOICES) {
    test(`becomes the target exactly: ${name}`, async () => {
      const xattrs = choices.isRich ? "read" : "ignore";
      await fc.assert(
        fc.asyncProperty(arbitraryPair(choices), async ([before, after]) =>
          inFolder(async (base) => {
            buildTree(join(base, "old"), before);
            buildTree(join(base, "new"), after);
            const delta = await deltaBetween(join(base, "old"), join(base, "new"), { xattrs });
            const target = await flattenFolder(join(base, "new"), { xattrs });
            const result = await applyDeltaToRootfs(join(base, "old"), delta, { xattrs });
            assert.deepEqual(await flattenFolder(join(base, "old"), { xattrs }), target);
            assert.deepEqual((await readdir(base)).sort(), ["new", "old"]);
            assert.ok(result.done === "applied" || result.done === "none");
            const { contentBytes, entryCount } = (await inspectDelta(delta)).tree!;
            assert.ok(result.stagedBytes <= contentBytes && result.stagedEntries <= entryCount);
            const again = await applyDeltaToRootfs(join(base, "old"), delta, { xattrs });
            assert.equal(again.done, "none");
          }),
        ),
        { numRuns: isBrief ? Math.ceil(numRuns / 4) : numRuns },
      );
    });
  }

  test("only what changes is touched", () =>
    inFolder(async (base) => {
      const { old, delta, target } = await makePair(base);
      const inodeOf = (path: string) => lstatSync(join(old, path)).ino;
      const before = ["etc/same", "etc/touched", "etc/motd"].map(inodeOf);
      const result = await applyDeltaToRootfs(old, delta);
      const after = ["etc/same", "etc/touched", "etc/motd"].map(inodeOf);
      assert.deepEqual(after.slice(0, 2), before.slice(0, 2));
      assert.notEqual(after[2], before[2]);
      assert.equal(result.stagedBytes, "hello again".length + "new".length);
      assert.deepEqual([result.placedEntries, result.removedEntries], [2, 1]);
      assert.deepEqual(await flattenFolder(old), target);
    }));

  test("a copy by hard links keeps its content and its attributes", () =>
    inFolder(async (base) => {
      const { old, delta, target, before } = await makePair(base);
      execFileSync("cp", ["-al", old, join(base, "copy")]);
      await applyDeltaToRootfs(old, delta);
      assert.deepEqual(await flattenFolder(old), target);
      assert.deepEqual(await flattenFolder(join(base, "copy")), before);
    }));

  test("the config is replaced with the tree", () =>
    inFolder(async (base) => {
      const [config, newConfig] = [join(base, "config.json"), join(base, "new.json")];
      await writeFile(config, '{"architecture":"arm64","os":"linux","config":{"Env":["A=1"]}}');
      await writeFile(newConfig, '{"architecture":"arm64","os":"linux","config":{"Env":["A=2"]}}');
      buildTree(join(base, "old"), OLD);
      buildTree(join(base, "new"), NEW);
      const delta = await deltaBetween(join(base, "old"), join(base, "new"), { config, newConfig });
      await assert.rejects(applyDeltaToRootfs(join(base, "old"), delta), { code: ErrorCode.BASIS_MISMATCH });
      await applyDeltaToRootfs(join(base, "old"), delta, { config });
      assert.deepEqual(
        await flattenFolder(join(base, "old"), { config }),
        await flattenFolder(join(base, "new"), { config: newConfig }),
      );
    }));

  test("the layer's digest in the config is used where it is right, and does no harm where it is not", () =>
    inFolder(async (base) => {
      const [config, other] = [join(base, "config.json"), join(base, "other.json")];
      const folders = ["one", "two", "three"].map((name) => join(base, name)) as [string, string, string];
      for (const [i, items] of [OLD, NEW, OLD].entries()) buildTree(folders[i]!, items);
      await writeFile(config, '{"architecture":"arm64","os":"linux"}');
      const [there, back] = [
        await deltaBetween(folders[0], folders[1], { config }),
        await deltaBetween(folders[1], folders[2], { config }),
      ];
      await applyDeltaToRootfs(folders[0], there, { config });
      const { config: written } = await openFlatImage(
        memorySource(await flattenFolder(folders[0], { config })),
      );
      assert.deepEqual(new Uint8Array(readFileSync(config)), written);
      const phases = new Set<string>();
      const onProgress = ({ phase }: { phase: string }) => void phases.add(phase);
      await applyDeltaToRootfs(folders[0], back, { config, onProgress });
      assert.deepEqual(phases, new Set(["apply"]));
      // Now it is the digest of the tree before.
      await writeFile(other, written);
      phases.clear();
      await applyDeltaToRootfs(folders[0], there, { config: other, onProgress });
      assert.deepEqual(phases, new Set(["check basis", "flatten", "apply"]));
      assert.equal((await applyDeltaToRootfs(folders[0], there, { config: other })).done, "none");
    }));

  test("another config needs a file that it can go to", () =>
    inFolder(async (base) => {
      const newConfig = join(base, "new.json");
      await writeFile(newConfig, '{"architecture":"arm64","os":"linux","config":{"Env":["A=2"]}}');
      buildTree(join(base, "old"), OLD);
      const before = await flattenFolder(join(base, "old"));
      const delta = await deltaBetween(join(base, "old"), join(base, "old"), { newConfig });
      await assert.rejects(applyDeltaToRootfs(join(base, "old"), delta), {
        code: ErrorCode.UNSUPPORTED_FEATURE,
      });
      assert.deepEqual(await flattenFolder(join(base, "old")), before);
    }));

  test("the folder and its config may have any names", () =>
    inFolder(async (base) => {
      const [old, fresh] = [join(base, "wörk dir"), join(base, "new")];
      const [config, newConfig] = [join(base, "kønfig.json"), join(base, "new.json")];
      await writeFile(config, '{"architecture":"arm64","os":"linux"}');
      await writeFile(newConfig, '{"architecture":"arm64","os":"linux","config":{}}');
      buildTree(old, OLD);
      buildTree(fresh, NEW);
      const delta = await deltaBetween(old, fresh, { config, newConfig });
      assert.equal((await applyDeltaToRootfs(old, delta, { config })).done, "applied");
      assert.deepEqual(
        await flattenFolder(old, { config }),
        await flattenFolder(fresh, { config: newConfig }),
      );
      assert.deepEqual((await readdir(base)).sort(), ["kønfig.json", "new", "new.json", "wörk dir"]);
      await assert.rejects(applyDeltaToRootfs("/", delta), { code: ErrorCode.UNSUPPORTED_FEATURE });
    }));

  test("what fails before the commit leaves the old tree and nothing beside it", () =>
    inFolder(async (base) => {
      const { old, delta, before } = await makePair(base);
      const bytes = await readRange(delta, 0, delta.size);
      const damaged = bytes.slice();
      damaged[bytes.length - 20]! ^= 1;
      const lock = await lockTarget(old);
      await assert.rejects(applyDeltaToRootfs(old, delta), { code: ErrorCode.IN_USE });
      await lock.release();
      await assert.rejects(applyDeltaToRootfs(old, memorySource(damaged)));
      await assert.rejects(applyDeltaToRootfs(old, memorySource(bytes.subarray(0, bytes.length - 9))), {
        code: ErrorCode.TRUNCATED,
      });
      await assert.rejects(applyDeltaToRootfs(old, delta, { signal: AbortSignal.abort(new Error("stop")) }), {
        message: "stop",
      });
      await writeFile(join(old, "more"), "");
      await assert.rejects(applyDeltaToRootfs(old, delta), { code: ErrorCode.BASIS_MISMATCH });
      await rm(join(old, "more"));
      assert.deepEqual(await flattenFolder(old), before);
      assert.deepEqual((await readdir(base)).sort(), ["new", "old"]);
    }));

  test("a wrong basis of the right size is refused as one, even where what is made of it is no image", () =>
    inFolder(async (base) => {
      const [old, fresh, wrong] = [join(base, "old"), join(base, "new"), join(base, "wrong")];
      // Their entries begin at other places, so that contents come where the delta expects headers.
      const [long, short] = ["l".repeat(8_000_000), "s".repeat(4_000_000)];
      buildTree(old, { a: file(short), b: file(long), c: file("first") });
      // And there are windows behind them.
      const second = randomBytes(1_000_000).toString("hex");
      buildTree(fresh, { a: file(short), aa: file("between"), b: file(long), c: file(second) });
      const delta = await deltaBetween(old, fresh);
      buildTree(wrong, { a: file(long), b: file(short), c: file("first") });
      const before = await flattenFolder(wrong);
      assert.equal(before.length, (await flattenFolder(old)).length);
      await assert.rejects(applyDeltaToRootfs(wrong, delta), { code: ErrorCode.BASIS_MISMATCH });
      assert.deepEqual(await flattenFolder(wrong), before);
      assert.deepEqual((await readdir(base)).sort(), ["new", "old", "wrong"]);
    }));

  test("a delta that arrives in pieces does as well", () =>
    inFolder(async (base) => {
      const { old, delta, target } = await makePair(base);
      const bytes = await readRange(delta, 0, delta.size);
      async function* pieces() {
        for (const byte of bytes) yield Uint8Array.of(byte);
      }
      assert.equal((await applyDeltaToRootfs(old, pieces())).done, "applied");
      assert.deepEqual(await flattenFolder(old), target);
      assert.equal((await applyDeltaToRootfs(old, pieces())).done, "none");
    }));

  test("an interrupted update is visible, and completed by the same delta or without one", () =>
    inFolder(async (base) => {
      const pair = await makePair(base);
      const { old, delta, target } = pair;
      assert.equal(await findPendingRootfsUpdate(old), undefined);
      assert.equal(await resumeRootfs(old), undefined);
      await interrupt(pair);
      assert.equal((await findPendingRootfsUpdate(old))!.targetBytes, target.length);
      await assert.rejects(flattenFolder(old), { code: ErrorCode.UPDATE_PENDING });
      const other = await deltaBetween(join(base, "new"), join(base, "new"));
      const { done } = await applyDeltaToRootfs(old, delta);
      assert.equal(done, "resumed");
      assert.deepEqual(await flattenFolder(old), target);
      assert.equal((await applyDeltaToRootfs(old, other)).done, "none");
    }));

  test("the command line updates, refuses what is interrupted, and resumes", () =>
    inFolder(async (base) => {
      const pair = await makePair(base);
      const { old, target } = pair;
      const name = `rootfs:${old}`;
      const deltaPath = join(base, "delta");
      await writeFile(deltaPath, await readRange(pair.delta, 0, pair.delta.size));
      assert.equal((await run(["patch", "--in-place", "--resume", name])).code, 2);
      await interrupt(pair);
      assert.equal((await run(["verify", name])).code, 9);
      const seen = await run(["inspect", "--json", name]);
      assert.equal(JSON.parse(seen.stdout).kind, "interrupted update");
      assert.equal((await run(["flatten", name, "-o", join(base, "flat")])).code, 9);
      const resumed = await run(["patch", "--in-place", "--resume", "--json", name]);
      assert.equal(JSON.parse(resumed.stdout).done, "resumed");
      const again = await run(["patch", "--in-place", "--json", name, deltaPath]);
      assert.equal(JSON.parse(again.stdout).done, "none");
      const verified = await run(["verify", "--json", name]);
      assert.equal(JSON.parse(verified.stdout).flatBytes, target.length);
      assert.equal((await run(["inspect", name])).code, 0);
    }));

  test("a symlink that takes a folder's place while it runs leads nowhere", () =>
    inFolder(async (base) => {
      const { old, delta } = await makePair(base);
      const outside = join(base, "outside");
      buildTree(outside, { motd: file("hello"), same: file("same"), touched: file("touched") });
      const untouched = await flattenFolder(outside);
      let swapped = false;
      const swap = () => {
        if (swapped) return;
        swapped = true;
        renameSync(join(old, "etc"), join(base, "aside"));
        symlinkSync(outside, join(old, "etc"));
      };
      await assert.rejects(applyDeltaToRootfs(old, delta, { onProgress: swap }));
      assert.ok(swapped);
      assert.deepEqual(await flattenFolder(outside), untouched);
      assert.equal(await findPendingRootfsUpdate(old), undefined);
    }));

  test("a symlink that takes a folder's place behind the journal leads nowhere, and the update waits", () =>
    inFolder(async (base) => {
      const pair = await makePair(base);
      const { old, delta, target } = pair;
      const outside = join(base, "outside");
      buildTree(outside, { motd: file("mine"), touched: file("mine") });
      const untouched = await flattenFolder(outside);
      await interrupt(pair);
      renameSync(join(old, "etc"), join(base, "aside"));
      symlinkSync(outside, join(old, "etc"));
      await assert.rejects(applyDeltaToRootfs(old, delta), { code: "ENOTDIR" });
      assert.deepEqual(await flattenFolder(outside), untouched);
      await rm(join(old, "etc"));
      renameSync(join(base, "aside"), join(old, "etc"));
      assert.equal((await applyDeltaToRootfs(old, delta)).done, "resumed");
      assert.deepEqual(await flattenFolder(old), target);
    }));

  test("an open folder stays the folder, whatever takes its name, and follows no link", () =>
    inFolder(async (base) => {
      const [inside, outside] = [join(base, "inside"), join(base, "outside")];
      await mkdir(inside);
      await mkdir(outside);
      await writeFile(join(outside, "secret"), "s");
      const folder = openTreeFolder(inside);
      renameSync(inside, join(base, "moved"));
      symlinkSync(outside, inside);
      await (await folder.openFile("new", "new")).close();
      assert.deepEqual(await readdir(outside), ["secret"]);
      assert.deepEqual(await readdir(join(base, "moved")), ["new"]);
      await folder.makeSymlink("link", join(outside, "secret"));
      await folder.makeSymlink("folder", outside);
      const before = lstatSync(join(outside, "secret"));
      await assert.rejects(folder.openFile("link", "existing"), { code: "ELOOP" });
      await assert.rejects(folder.openFile("link", "new"), { code: "ELOOP" });
      await assert.rejects(folder.openFolder("folder"), { code: "ENOTDIR" });
      const attributes = { uid: 7, gid: 7, mode: 0, mtimeSeconds: 3, mtimeNanoseconds: 0 };
      await folder.setAttributes("link", attributes);
      await folder.setAttributes("link", { ...attributes, mtimeNanoseconds: 5 });
      await folder.link("link", folder, "link2");
      await folder.changeXattrs("link", new Map([["trusted.x", Uint8Array.of(1)]]), []);
      assert.ok(lstatSync(join(base, "moved/link2")).isSymbolicLink());
      assert.equal(lstatSync(join(base, "moved/link"), { bigint: true }).mtimeNs, 3_000_000_005n);
      assert.deepEqual(lstatSync(join(outside, "secret")), before);
      for (const name of ["..", ".", "", "a/b"]) await assert.rejects(folder.stat(name), TypeError);
      await folder.close();
    }));

  test("a process that is killed at any moment leaves the old tree, or an update to complete", async (t) => {
    const many = (letter: string): Items =>
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d${i % 9}/f${i}`, file(`${letter}${i}`)]));
    await inFolder(async (base) => {
      const { old, delta, before, target } = await makePair(base, [many("a"), many("b")]);
      const deltaPath = join(base, "delta");
      await writeFile(deltaPath, await readRange(delta, 0, delta.size));
      const found = { old: 0, resumed: 0, new: 0 };
      // The time that starting takes is of no interest, and differs between machines: the child says when it begins.
      const script = `const { applyDeltaToRootfs } = await import(${JSON.stringify(moduleUrl("rootfs/index"))});
        const { openFileSource } = await import(${JSON.stringify(moduleUrl("io/node"))});
        process.stdout.write("begin");
        await applyDeltaToRootfs(process.argv[1], await openFileSource(process.argv[2]));`;
      for (let i = 0; i < (isBrief ? 2 : 5); i++) {
        const tree = join(base, `tree${i}`);
        execFileSync("cp", ["-a", old, tree]);
        await killAfter(script, [tree, deltaPath], 60 + 40 * i);
        const pending = await findPendingRootfsUpdate(tree);
        if (pending !== undefined) {
          await resumeRootfs(tree);
          found.resumed++;
          assert.deepEqual(await flattenFolder(tree), target);
          continue;
        }
        const now = await flattenFolder(tree);
        const isOld = Buffer.from(now).equals(before);
        if (!isOld) assert.deepEqual(now, target);
        found[isOld ? "old" : "new"]++;
        await applyDeltaToRootfs(tree, delta);
        assert.deepEqual(await flattenFolder(tree), target);
      }
      t.diagnostic(JSON.stringify(found));
    });
  });

  test("who is not root keeps beside the tree what he cannot set, and the next delta fits", () =>
    inFolder(async (base) => {
      chownSync(base, NOBODY, NOBODY);
      const own = (items: Items): Items =>
        Object.fromEntries(Object.entries(items).map(([path, item]) => [path, { ...item, uid: NOBODY }]));
      const after: Items = {
        ...NEW,
        "etc/motd": file("set", { mode: 0o4755, uid: 7, xattr: "1" }),
        "dev/null": { ...file("xx"), kind: "device" },
        locked: { ...file(""), kind: "folder", mode: 0o555 },
        "locked/in": file("in", { mode: 0o200 }),
      };
      const later: Items = { ...after, "etc/motd": file("later", { uid: 8 }), "locked/in": file("out") };
      const names = ["old", "new", "later"].map((name) => join(base, name));
      for (const [i, items] of [own(OLD), after, later].entries()) buildTree(names[i]!, items);
      execFileSync("chown", ["-hR", `${NOBODY}:${NOBODY}`, names[0]!]);
      const [old, fresh, last] = names as [string, string, string];
      // Folders that not even their owner may write to.
      for (const folder of [old, join(old, "etc")]) chmodSync(folder, 0o555);
      execFileSync("setfattr", ["-n", "security.capability", "-v", CAPABILITY, join(fresh, "etc/same")]);
      for (const [from, to] of [
        [old, fresh],
        [fresh, last],
      ] as const) {
        const delta = await deltaBetween(from, to);
        const path = join(base, "delta");
        await writeFile(path, await readRange(delta, 0, delta.size));
        const script = `const { applyDeltaToRootfs } = await import(${JSON.stringify(moduleUrl("rootfs/index"))});
          const { openFileSource } = await import(${JSON.stringify(moduleUrl("io/node"))});
          const { done } = await applyDeltaToRootfs(process.argv[1], await openFileSource(process.argv[2]));
          process.stdout.write(done);`;
        assert.equal(await runAs(NOBODY, script, [old, path]), "applied");
        assert.equal(await runAs(NOBODY, script, [old, path]), "none");
        assert.deepEqual(await flattenFolder(old), await flattenFolder(to));
        await assert.rejects(applyDeltaToRootfs(old, delta), { code: ErrorCode.UNSUPPORTED_FEATURE });
      }
      assert.equal(readFileSync(join(old, "etc/motd"), "utf8"), "later");
      assert.equal(lstatSync(join(old, "etc/motd")).uid, NOBODY);
    }));
});

// cap_net_raw+ep, as setcap writes it.
const CAPABILITY = "0x0100000200200000000000000000000000000000";

function moduleUrl(name: string): string {
  return new URL(`../../src/${name}.ts`, import.meta.url).href;
}

const NODE_ARGUMENTS = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e"];
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

function killAfter(script: string, args: readonly string[], milliseconds: number): Promise<void> {
  const child = spawn(process.execPath, [...NODE_ARGUMENTS, script, ...args], {
    cwd: PROJECT,
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), milliseconds));
  return new Promise((resolve) => {
    child.once("close", () => resolve());
  });
}

async function runAs(uid: number, script: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [...NODE_ARGUMENTS, script, ...args], {
    cwd: PROJECT,
    uid,
    gid: uid,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const text of child.stdout.setEncoding("utf8")) output += text;
  return output;
}
