import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, open, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ErrorCode } from "../../src/errors.ts";
import { readRange } from "../../src/io/index.ts";
import { lockTarget, openStorageFile, openStorageFolder } from "../../src/io/node.ts";
import { lockByFile } from "../../src/io/node-lock.ts";

const folder = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
after(() => rm(folder, { recursive: true }));

const bytesOf = (text: string) => new TextEncoder().encode(text);

test("a file is read and written at any offset, and grows and shrinks", async () => {
  const path = join(folder, "file");
  await writeFile(path, "hello");
  const file = await openStorageFile(path);
  assert.equal(file.size, 5);
  await file.write(1, bytesOf("EL"));
  await file.write(8, bytesOf("!"));
  assert.equal(file.size, 9);
  assert.deepEqual(await readRange(file, 0, 9), bytesOf("hELlo\0\0\0!"));
  await assert.rejects(file.read(8, new Uint8Array(2)), RangeError);
  await file.truncate(2);
  await file.truncate(4);
  assert.equal(file.size, 4);
  await file.sync();
  await file.close();
  assert.equal(await readFile(path, "latin1"), "hE\0\0");
});

test("a file that became shorter behind our back is TRUNCATED", async () => {
  const path = join(folder, "shrunk");
  await writeFile(path, "hello");
  const file = await openStorageFile(path);
  await writeFile(path, "h");
  await assert.rejects(readRange(file, 0, 5), { code: ErrorCode.TRUNCATED });
  await file.close();
});

test("what is no file and no block device is refused", async () => {
  await assert.rejects(openStorageFile(join(folder, "none")), { code: "ENOENT" });
  await assert.rejects(openStorageFile(folder), { code: "EISDIR" });
  await assert.rejects(openStorageFile("/dev/null"), { code: ErrorCode.UNSUPPORTED_FEATURE });
});

test("a block device has the size that the system tells", async (t) => {
  const path = process.env.FLATDELTA_BLOCK_DEVICE;
  if (path === undefined) return t.skip("FLATDELTA_BLOCK_DEVICE names none");
  const handle = await open(path, "r");
  let low = 0;
  for (let step = 2 ** 45; step >= 512; step /= 2)
    if ((await handle.read(new Uint8Array(1), 0, 1, low + step - 1)).bytesRead === 1) low += step;
  await handle.close();
  const file = await openStorageFile(path);
  assert.equal(file.size, low);
  await file.close();
});

test("a folder is made when it is missing, and its files come, change their names and go", async () => {
  const storage = await openStorageFolder(join(folder, "new", "deep"));
  assert.deepEqual(await storage.list(), []);
  const file = await storage.openFile("a", "new");
  await file.write(0, bytesOf("1"));
  await file.sync();
  await file.close();
  await storage.sync();
  await storage.rename("a", "b");
  assert.deepEqual(await storage.list(), ["b"]);
  assert.equal((await storage.openFile("b", "existing")).size, 1);
  assert.equal((await storage.openFile("b", "new")).size, 0);
  await assert.rejects(storage.openFile("a", "existing"), { code: "ENOENT" });
  await storage.remove("b");
  await assert.rejects(storage.remove("b"), { code: "ENOENT" });
  assert.ok((await storage.freeBytes()) > 0);
  for (const name of ["", ".", "..", "a/b", "a\0"]) await assert.rejects(storage.remove(name), TypeError);
  await writeFile(join(folder, "plain"), "");
  await assert.rejects(openStorageFolder(join(folder, "plain")), { code: "EEXIST" });
});

test("one lock for a target, by whatever path, and again after its release", async () => {
  const target = join(folder, "target");
  await mkdir(target);
  await symlink(target, join(folder, "other-name"));
  const lock = await lockTarget(target);
  await assert.rejects(lockTarget(join(folder, "other-name")), {
    code: ErrorCode.IN_USE,
    name: "StateError",
  });
  const neighbour = await lockTarget(folder);
  await lock.release();
  await (await lockTarget(target)).release();
  await neighbour.release();
  await assert.rejects(lockTarget(join(folder, "none")), { code: "ENOENT" });
});

test("a process that is killed lets go of its lock", async () => {
  const target = join(folder, "killed");
  await writeFile(target, "");
  const module = fileURLToPath(new URL("../../src/io/node.ts", import.meta.url));
  const script = `const { lockTarget } = await import(${JSON.stringify(module)});
    await lockTarget(process.argv[1]); process.stdout.write("held"); setInterval(() => {}, 1000);`;
  const child = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script, target],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ended = new Promise((resolve) => {
    child.once("close", resolve);
  });
  await new Promise((resolve) => {
    child.stdout.once("data", resolve);
  });
  await assert.rejects(lockTarget(target), { code: ErrorCode.IN_USE });
  child.kill("SIGKILL");
  await ended;
  await (await lockTarget(target)).release();
});

test("the lock by file is refused while its process lives, and taken over from a dead one", async () => {
  const target = join(folder, "by-file");
  const lock = await lockByFile(target);
  await assert.rejects(lockByFile(target), { code: ErrorCode.IN_USE });
  await lock.release();
  const dead = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => {
    dead.once("close", resolve);
  });
  await writeFile(`${target}.flatdelta.lock`, String(dead.pid));
  const taken = await lockByFile(`${target}/`);
  await rename(`${target}.flatdelta.lock`, `${target}.moved`);
  assert.equal(await readFile(`${target}.moved`, "utf8"), String(process.pid));
  await assert.rejects(taken.release(), { code: "ENOENT" });
});
