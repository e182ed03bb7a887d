/** The simulated disk itself: what is synced survives, what is not may be lost or torn, and names keep their promises. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readRange } from "../../src/io/index.ts";
import { PowerCut, SimulatedDisk } from "./disk.ts";
import { SECTOR_BYTES } from "./inodes.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function readFile(disk: SimulatedDisk, name: string, folder = ""): Promise<string | undefined> {
  const at = disk.folder(folder);
  if (!(await at.list()).includes(name)) return undefined;
  const file = await at.openFile(name, "existing");
  const text = new TextDecoder("latin1").decode(await readRange(file, 0, file.size));
  await file.close();
  return text;
}

async function putFile(disk: SimulatedDisk, name: string, text: string, folder = ""): Promise<void> {
  const file = await disk.folder(folder).openFile(name, "new");
  await file.write(0, bytesOf(text));
  await file.close();
}

/** What a file is in the states after a cut, each once. */
async function fates(disk: SimulatedDisk, name: string, folder?: string): Promise<Set<string | undefined>> {
  const found = new Set<string | undefined>();
  for (const state of disk.states(200, 1)) found.add(await readFile(state, name, folder));
  return found;
}

test("synced bytes under a synced name survive in every state", async () => {
  const disk = new SimulatedDisk();
  const file = await disk.folder("").openFile("a", "new");
  await file.write(0, bytesOf("kept"));
  await file.sync();
  await disk.folder("").sync();
  await putFile(disk, "b", "other");
  assert.deepEqual(await fates(disk, "a"), new Set(["kept"]));
});

test("a synced name of bytes that were not may be empty, zeros, torn or whole", async () => {
  const disk = new SimulatedDisk();
  await putFile(disk, "a", "new");
  await disk.folder("").sync();
  const found = new Set<string | undefined>();
  for (let seed = 0; seed < 50; seed++)
    for (const state of disk.states(9, seed)) found.add(await readFile(state, "a"));
  assert.ok(["", "new", "\0\0\0"].every((text) => found.has(text)));
  assert.ok([...found].some((text) => text?.length === 3 && text !== "new" && text !== "\0\0\0"));
  assert.ok(!found.has(undefined));
});

test("synced bytes under a name that was not may be gone", async () => {
  const disk = new SimulatedDisk();
  const file = await disk.folder("").openFile("a", "new");
  await file.write(0, bytesOf("x"));
  await file.sync();
  assert.deepEqual(await fates(disk, "a"), new Set([undefined, "x"]));
});

test("writes that were not synced are lost in any order", async () => {
  const disk = new SimulatedDisk();
  await putFile(disk, "a", "..");
  disk.settle();
  const file = await disk.folder("").openFile("a", "existing");
  await file.write(0, bytesOf("1"));
  await file.write(1, bytesOf("2"));
  const found = await fates(disk, "a");
  for (const text of ["..", "1.", ".2", "12"]) assert.ok(found.has(text), text);
  await file.sync();
  assert.deepEqual(await fates(disk, "a"), new Set(["12"]));
});

test("a write is torn at sectors, and garbage stays in one sector", async () => {
  const disk = new SimulatedDisk();
  const old = "o".repeat(5 * SECTOR_BYTES);
  await putFile(disk, "a", old);
  disk.settle();
  const file = await disk.folder("").openFile("a", "existing");
  await file.write(SECTOR_BYTES + 10, bytesOf("n".repeat(2 * SECTOR_BYTES)));
  let sawTorn = false;
  let sawGarbage = false;
  for (let seed = 0; seed < 40; seed++) {
    for (const state of disk.states(9, seed)) {
      const text = (await readFile(state, "a"))!;
      assert.equal(text.length, old.length);
      assert.equal(text.slice(0, SECTOR_BYTES), old.slice(0, SECTOR_BYTES));
      assert.equal(text.slice(4 * SECTOR_BYTES), old.slice(4 * SECTOR_BYTES));
      const sectors = [1, 2, 3].map((i) => text.slice(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES));
      const strange = sectors.filter((sector) => /[^no]/u.test(sector));
      assert.ok(strange.length <= 1);
      sawGarbage ||= strange.length === 1;
      sawTorn ||= text.includes("n") && !text.includes("n".repeat(2 * SECTOR_BYTES));
    }
  }
  assert.ok(sawTorn && sawGarbage);
});

test("a file that replaces another by rename is the old or the new one, never none", async () => {
  const disk = new SimulatedDisk();
  await putFile(disk, "a", "old");
  await putFile(disk, "a.part", "new");
  disk.settle();
  await disk.folder("").rename("a.part", "a");
  assert.deepEqual(await fates(disk, "a"), new Set(["old", "new"]));
  assert.deepEqual(await fates(disk, "a.part"), new Set(["new", undefined]));
  for (const state of disk.states(9, 1))
    assert.ok((await readFile(state, "a")) === "new" || (await readFile(state, "a.part")) === "new");
  await disk.folder("").sync();
  assert.deepEqual(await fates(disk, "a"), new Set(["new"]));
  assert.deepEqual(await fates(disk, "a.part"), new Set([undefined]));
});

test("a rename across folders is seen in none, one or both of them", async () => {
  const disk = new SimulatedDisk();
  await disk.folder("").makeFolder("x");
  await disk.folder("").makeFolder("y");
  await putFile(disk, "f", "1", "x");
  disk.settle();
  await disk.folder("x").rename("f", "g", disk.folder("y"));
  const found = new Set<string>();
  for (const state of disk.states(9, 1))
    found.add(`${await readFile(state, "f", "x")} ${await readFile(state, "g", "y")}`);
  assert.deepEqual(found, new Set(["1 undefined", "undefined undefined", "1 1", "undefined 1"]));
});

test("of two names of one file a rename leaves both", async () => {
  const disk = new SimulatedDisk();
  const root = disk.folder("");
  await putFile(disk, "a", "1");
  await root.link("a", root, "b");
  await root.rename("a", "b");
  assert.deepEqual((await root.list()).sort(), ["a", "b"]);
  assert.equal((await root.stat("a"))!.linkCount, 2);
});

test("a removed file can be read while it is open, and comes back unless its folder was synced", async () => {
  const disk = new SimulatedDisk();
  await putFile(disk, "a", "1");
  disk.settle();
  const file = await disk.folder("").openFile("a", "existing");
  await disk.folder("").remove("a");
  assert.deepEqual(await readRange(file, 0, 1), bytesOf("1"));
  assert.deepEqual(await fates(disk, "a"), new Set(["1", undefined]));
  await disk.folder("").sync();
  assert.deepEqual(await fates(disk, "a"), new Set([undefined]));
});

test("space is what files hold, removed ones until they are closed", async () => {
  const disk = new SimulatedDisk();
  disk.freeBytes = 10;
  await putFile(disk, "a", "12345678");
  assert.equal(disk.freeBytes, 2);
  const file = await disk.folder("").openFile("a", "existing");
  await assert.rejects(file.write(8, bytesOf("abc")), { code: "ENOSPC" });
  assert.equal(file.size, 10);
  await file.truncate(8);
  await disk.folder("").remove("a");
  assert.equal(disk.freeBytes, 2);
  await file.close();
  assert.equal(disk.freeBytes, 10);
});

test("a cut stops everything, in the midst of its operation", async () => {
  const disk = new SimulatedDisk();
  disk.cutAt(1);
  await assert.rejects(putFile(disk, "a", "12"), PowerCut);
  assert.deepEqual(
    disk.operations.map(({ kind }) => kind),
    ["create", "write"],
  );
  assert.throws(() => disk.folder(""), PowerCut);
  assert.ok((await fates(disk, "a")).has("12"));
});

test("a sync that is cut makes nothing certain", async () => {
  const disk = new SimulatedDisk();
  disk.cutAt(2);
  await putFile(disk, "a", "1");
  await assert.rejects(disk.folder("").sync(), PowerCut);
  const found = await fates(disk, "a");
  assert.ok(found.has(undefined) && found.has("1"));
});

test("failures are of one operation; a short write leaves its first half", async () => {
  const disk = new SimulatedDisk();
  disk.failAt(0, "EIO");
  await assert.rejects(putFile(disk, "a", "1234"), { code: "EIO" });
  disk.failAt(2, "SHORT");
  await assert.rejects(putFile(disk, "a", "1234"), { code: "ENOSPC" });
  assert.equal(await readFile(disk, "a"), "12");
  disk.failAt(3, "ENOSPC");
  await assert.rejects(disk.folder("").rename("a", "b"), { code: "ENOSPC" });
  await disk.folder("").rename("a", "b");
  assert.equal(await readFile(disk, "b"), "12");
});

test("a clone goes its own way", async () => {
  const disk = new SimulatedDisk();
  await putFile(disk, "a", "1");
  const copy = disk.clone();
  assert.equal(copy.pendingCount, disk.pendingCount);
  await putFile(copy, "a", "2");
  await copy.folder("").sync();
  assert.equal(await readFile(disk, "a"), "1");
  assert.ok((await fates(disk, "a")).has(undefined));
});

test("attributes are durable with the sync of what they belong to", async () => {
  const disk = new SimulatedDisk();
  await putFile(disk, "a", "");
  disk.settle();
  const root = disk.folder("");
  await root.setAttributes("a", { ...(await root.stat("a"))!, uid: 7 });
  const owners = async () => {
    const found = new Set<number>();
    for (const state of disk.states(9, 1)) found.add((await state.folder("").stat("a"))!.uid);
    return found;
  };
  assert.deepEqual(await owners(), new Set([0, 7]));
  await root.sync();
  assert.deepEqual(await owners(), new Set([0, 7]));
  await root.syncEntry("a");
  assert.deepEqual(await owners(), new Set([7]));
});

test("the same seed gives the same states, none and all among them, as many as asked for", async () => {
  const disk = new SimulatedDisk();
  for (let i = 0; i < 8; i++) await putFile(disk, `f${i}`, `${i}`);
  const describe = async (state: SimulatedDisk) => {
    const names = (await state.folder("").list()).sort();
    return (await Promise.all(names.map(async (name) => `${name}=${await readFile(state, name)}`))).join();
  };
  const runs = [];
  for (const seed of [5, 5, 6]) runs.push(await Promise.all([...disk.states(30, seed)].map(describe)));
  assert.deepEqual(runs[0], runs[1]);
  assert.notDeepEqual(runs[0], runs[2]);
  assert.equal(runs[0]!.length, 30);
  assert.equal(runs[0]![0], "");
  assert.equal(runs[0]![1], await describe(disk));
});

test("whatever is done, what was synced last survives every cut", async () => {
  const step = fc.record({
    name: fc.constantFrom("a", "b"),
    text: fc.string({ maxLength: 9 }),
    sync: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.nat(), async (steps, seed) => {
      const disk = new SimulatedDisk();
      // Each file is written under another name and renamed, as careful programs do.
      const certain = new Map<string, string>();
      const possible = new Map<string, Set<string | undefined>>([
        ["a", new Set([undefined])],
        ["b", new Set([undefined])],
      ]);
      for (const { name, text, sync } of steps) {
        const folder = disk.folder("");
        const file = await folder.openFile("part", "new");
        await file.write(0, bytesOf(text));
        await file.sync();
        await folder.rename("part", name);
        const seen = new TextDecoder("latin1").decode(bytesOf(text));
        possible.get(name)!.add(seen);
        certain.set(name, seen);
        if (!sync) continue;
        await folder.sync();
        for (const [durable, value] of certain) possible.set(durable, new Set([value]));
      }
      for (const state of disk.states(20, seed))
        for (const [name, texts] of possible) assert.ok(texts.has(await readFile(state, name)));
    }),
    { numRuns: 50 },
  );
});
