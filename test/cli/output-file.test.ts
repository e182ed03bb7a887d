import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { encodeUtf8 } from "../../src/bytes/index.ts";
import { UsageError } from "../../src/cli/exit-code.ts";
import { openOutput } from "../../src/cli/output-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flatdelta-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

const never = new AbortController().signal;
const writeText = (text: string) => (sink: { write(bytes: Uint8Array): Promise<void> }) =>
  sink.write(encodeUtf8(text));

test("a file appears when it is complete", async () => {
  const path = join(folder, "new");
  const output = await openOutput({ output: path });
  await output.write(async (sink) => {
    await writeText("all ")(sink);
    assert.ok(!(await readdir(folder)).includes("new"));
    await writeText("of it")(sink);
  }, never);
  assert.equal(await readFile(path, "utf8"), "all of it");
  assert.deepEqual(await readdir(folder), ["new"]);
});

test("a failure leaves nothing, and what was there as it was", async () => {
  const path = join(folder, "old");
  await writeFile(path, "before");
  const output = await openOutput({ output: path, force: true });
  const failure = new Error("half-way");
  await assert.rejects(
    output.write(async (sink) => {
      await writeText("half")(sink);
      throw failure;
    }, never),
    failure,
  );
  assert.equal(await readFile(path, "utf8"), "before");
  assert.deepEqual(await readdir(folder), ["old"]);
});

test("an abort after the last byte leaves nothing", async () => {
  const controller = new AbortController();
  const output = await openOutput({ output: join(folder, "new") });
  const reason = new Error("stopped");
  await assert.rejects(
    output.write(async (sink) => {
      await writeText("everything")(sink);
      controller.abort(reason);
    }, controller.signal),
    reason,
  );
  assert.deepEqual(await readdir(folder), []);
});

test("an existing file is replaced only by force", async () => {
  const path = join(folder, "old");
  await writeFile(path, "before");
  await assert.rejects(
    openOutput({ output: path }),
    (error) => error instanceof UsageError && /--force/.test(error.message),
  );
  await (await openOutput({ output: path, force: true })).write(writeText("after"), never);
  assert.equal(await readFile(path, "utf8"), "after");
});

test("a link stays a link", async () => {
  await writeFile(join(folder, "file"), "before");
  await symlink("file", join(folder, "link"));
  await (await openOutput({ output: join(folder, "link"), force: true })).write(writeText("after"), never);
  assert.equal(await readlink(join(folder, "link")), "file");
  assert.equal(await readFile(join(folder, "file"), "utf8"), "after");
});

test("only files are replaced, even by force", async () => {
  await mkdir(join(folder, "sub"));
  for (const output of [join(folder, "sub"), "/dev/null"]) {
    await assert.rejects(openOutput({ output, force: true }), UsageError, output);
  }
});

test("the folder must be there", async () => {
  await writeFile(join(folder, "file"), "");
  await assert.rejects(openOutput({ output: join(folder, "none", "x") }), {
    code: "ENOENT",
    message: /none\/x/,
  });
  await assert.rejects(openOutput({ output: join(folder, "file", "x") }), { code: "ENOTDIR" });
});

test("a name is needed", async () => {
  await assert.rejects(openOutput({}), UsageError);
  await assert.rejects(openOutput({ output: "" }), UsageError);
  await assert.rejects(openOutput({ output: "-" }), UsageError);
});
