/** Letting go of what loses its last name. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { releaseEntry, waitForReleases } from "../../src/rootfs/release.ts";

/** How many handles this process has of entries below a folder. */
function countHandles(folder: string): number {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // that of the list itself
    }
  });
  return targets.filter((target) => target.startsWith(folder)).length;
}

describe("what loses its last name", { skip: process.platform !== "linux" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "flatdelta-release-"));
  after(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);

  test("is replaced or removed at once, and freed in the end, however many there are", async () => {
    for (let i = 0; i < 200; i++) {
      writeFileSync(at("old"), "old");
      writeFileSync(at("new"), "new");
      await releaseEntry(Buffer.from(at("old")), () => renameSync(at("new"), at("old")));
      assert.equal(readFileSync(at("old"), "utf8"), "new");
      await releaseEntry(Buffer.from(at("old")), () => unlinkSync(at("old")));
      mkdirSync(at("empty"));
      await releaseEntry(Buffer.from(at("empty")), () => rmdirSync(at("empty")));
      assert.ok(!existsSync(at("old")) && !existsSync(at("empty")));
      assert.ok(countHandles(folder) <= 65);
    }
    await waitForReleases();
    assert.equal(countHandles(folder), 0);
  });

  test("is held until another thread frees it, once that has turned out to take its time", async () => {
    const removeSlowly = (path: string): void => {
      const end = performance.now() + 2;
      while (performance.now() < end);
      unlinkSync(path);
    };
    for (let i = 0; i < 30; i++) {
      writeFileSync(at("old"), "old");
      await releaseEntry(Buffer.from(at("old")), () => removeSlowly(at("old")));
      assert.ok(!existsSync(at("old")));
    }
    const handles = countHandles(folder);
    assert.ok(handles >= 20 && handles <= 25, String(handles));
    for (let i = 0; i < 200; i++) {
      writeFileSync(at("old"), "old");
      await releaseEntry(Buffer.from(at("old")), () => unlinkSync(at("old")));
      assert.ok(countHandles(folder) <= 65);
    }
    await waitForReleases();
    assert.equal(countHandles(folder), 0);
  });

  test("may not be there; a change that fails is told", async () => {
    writeFileSync(at("new"), "new");
    await releaseEntry(Buffer.from(at("first")), () => renameSync(at("new"), at("first")));
    mkdirSync(at("full"));
    writeFileSync(at("full/file"), "");
    const removed = releaseEntry(Buffer.from(at("full")), () => rmdirSync(at("full")));
    await assert.rejects(removed, { code: "ENOTEMPTY" });
    await waitForReleases();
    assert.equal(countHandles(folder), 0);
  });
});
