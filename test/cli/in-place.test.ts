/** `patch --in-place` and `--resume`, as commands. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { applyDeltaInPlace } from "../../src/apply/index.ts";
import { openFileSource, openStorageFile, openStorageFolder } from "../../src/io/node.ts";
import { makePairs } from "../apply/in-place-pairs.ts";
import { run, useFolder } from "./harness.ts";

const at = useFolder();
const pair = [...makePairs(10, 21, 150_000)][9]!;

async function writePair(...options: string[]): Promise<void> {
  await writeFile(at("file"), pair.basis);
  await writeFile(at("target"), pair.target);
  const made = await run([
    "delta",
    "--raw",
    at("file"),
    at("target"),
    "-o",
    at("d"),
    "--level",
    "1",
    ...options,
  ]);
  assert.equal(made.code, 0);
}

async function runJson(...argv: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run([...argv, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function assertFails(argv: string[], code: number, message: RegExp): Promise<void> {
  const failed = await run(argv);
  assert.equal(failed.code, code, failed.stderr);
  assert.match(failed.stderr, message);
}

/** Leave the file in the middle of an update. */
async function interrupt(): Promise<void> {
  await writeFile(at("file"), pair.basis);
  const stop = new AbortController();
  const onProgress = ({ phase }: { phase: string }): void => {
    if (phase === "write") stop.abort(new Error("stopped"));
  };
  const [file, delta] = [await openStorageFile(at("file")), await openFileSource(at("d"))];
  const scratch = await openStorageFolder(at("file.flatdelta"));
  await assert.rejects(
    applyDeltaInPlace({ file, scratch }, delta, { signal: stop.signal, onProgress }),
    /stopped/,
  );
  await Promise.all([file.close(), delta.close()]);
}

test("a file is patched in place, once", async () => {
  await writePair();
  const report = await runJson("patch", "--in-place", at("file"), at("d"));
  assert.equal(report.done, "applied");
  assert.ok((await readFile(at("file"))).equals(pair.target));
  assert.deepEqual((await readdir(at())).sort(), ["d", "file", "target"]);
  assert.equal((await runJson("patch", "--in-place", `flat:${at("file")}`, at("d"))).done, "none");
});

test("an interrupted update is seen, and completed with or without the delta", async () => {
  // Small steps: there is something left to do after the first.
  await writePair("--max-stash", "64K");
  await interrupt();
  const info = await runJson("inspect", at("file"));
  assert.equal(info.kind, "interrupted update");
  await assertFails(["verify", at("file")], 9, /was interrupted; complete it .*UPDATE_PENDING/);
  assert.equal((await runJson("patch", "--in-place", "--resume", at("file"))).done, "resumed");
  assert.ok((await readFile(at("file"))).equals(pair.target));
  await interrupt();
  assert.equal((await runJson("patch", "--in-place", at("file"), at("d"))).done, "resumed");
  assert.ok((await readFile(at("file"))).equals(pair.target));
  await assertFails(["patch", "--in-place", "--resume", at("file")], 2, /expected an interrupted update/);
});

test("scratch files go where they are told to, and another delta has to wait", async () => {
  await writePair("--max-stash", "64K");
  await mkdir(at("elsewhere"));
  const argv = ["patch", "--in-place", at("file"), at("d"), "--scratch", join(at("elsewhere"), "s")];
  assert.equal((await runJson(...argv)).done, "applied");
  assert.deepEqual(await readdir(at("elsewhere")), []);
  await interrupt();
  await writeFile(at("other"), "something else");
  await run(["delta", "--raw", at("target"), at("other"), "-o", at("d2")]);
  await assertFails(
    ["patch", "--in-place", at("file"), at("d2")],
    9,
    /must be completed first.*UPDATE_PENDING/,
  );
});

test("wrong use is told", async () => {
  await writePair("--stream-only");
  await assertFails(["patch", "--in-place", at("file"), at("d")], 6, /as a stream only/);
  await assertFails(["patch", "--in-place", at("file"), at("d"), "-o", at("x")], 2, /neither --output/);
  await assertFails(
    ["patch", at("file"), at("d"), "-o", at("x"), "--scratch", "s"],
    2,
    /--scratch with --in-place/,
  );
  await assertFails(["patch", at("file"), "-o", at("x")], 2, /expected BASIS DELTA/);
  await assertFails(["patch", "--in-place", at("file")], 2, /expected BASIS DELTA/);
  const both = ["delta", at("file"), at("target"), "-o", at("x"), "--stream-only", "--max-stash", "1M"];
  await assertFails(both, 2, /got both/);
  await assertFails(
    ["delta", at("file"), at("target"), "-o", at("x"), "--max-stash", "much"],
    2,
    /a size such as/,
  );
});

test("a stream that broke off goes on from what it made", async () => {
  await writeFile(at("basis"), pair.basis);
  const words = Buffer.from("new words for the whole target: ".repeat(2000));
  const target = Buffer.concat([words, pair.target, words]);
  await writeFile(at("wanted"), target);
  await run(["delta", "--raw", at("basis"), at("wanted"), "-o", at("d"), "--codec", "none"]);
  const delta = await readFile(at("d"));
  await writeFile(at("part"), delta.subarray(0, delta.length - 20));
  const argv = (name: string) => ["patch", "--raw", "--resume", at("basis"), at(name), "-o", at("out")];
  await assertFails(argv("part"), 3, /TRUNCATED/);
  assert.ok((await readdir(at())).includes(".out.part"));
  assert.equal((await runJson(...argv("d"))).targetBytes, target.length);
  assert.ok((await readFile(at("out"))).equals(target));
  assert.ok(!(await readdir(at())).includes(".out.part"));
});
