/** What only a process of its own can show: signals, pipes, exit codes. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { finish, run, start, useFolder } from "./harness.ts";

const at = useFolder();

test("a process reports by its exit code, on its own streams", async () => {
  const [version, unknown] = await Promise.all([finish(start(["--version"])), finish(start(["turbo"]))]);
  assert.match(version.stdout, /^[0-9]+\.[0-9]+\.[0-9]+\n$/);
  assert.equal(version.code, 0);
  assert.equal(unknown.code, 2);
  assert.equal(unknown.stdout, "");
});

test("what it measures is of the whole process", async () => {
  await writeFile(at("basis"), "some bytes");
  const { code, stdout } = await finish(start(["signature", "--raw", at("basis"), "-o", at("s"), "--json"]));
  assert.equal(code, 0);
  const { seconds, peakMemoryBytes } = JSON.parse(stdout);
  assert.ok(seconds > 0.01, "starting Node is in it");
  assert.ok(peakMemoryBytes > 2 ** 24 && peakMemoryBytes < 2 ** 32, `${peakMemoryBytes}`);
});

test("FLATDELTA_DEBUG shows where an error came from", async () => {
  const argv = ["verify", at("nothing")];
  const [plain, debug, off] = await Promise.all([
    finish(start(argv)),
    finish(start(argv, { FLATDELTA_DEBUG: "1" })),
    finish(start(argv, { FLATDELTA_DEBUG: "0" })),
  ]);
  assert.doesNotMatch(plain.stderr, /\n {4}at /);
  assert.match(debug.stderr, /\n {4}at /);
  assert.equal(off.stderr, plain.stderr);
});

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} ends it with ${exitCode} and leaves nothing`, async () => {
    await writeFile(at("basis"), Buffer.alloc(100_000, 1));
    await writeFile(at("target"), Buffer.alloc(100_000, 2));
    assert.equal((await run(["delta", "--raw", at("basis"), at("target"), "-o", at("d")])).code, 0);
    const delta = await readFile(at("d"));
    const before = await readdir(at());
    // Standard input stays open without the delta's end, so that it waits in the middle of its work.
    const child = start(["patch", "--raw", at("basis"), "-", "-o", at("out")]);
    const done = finish(child);
    child.stdin.on("error", () => {});
    child.stdin.write(delta.subarray(0, delta.length - 20));
    while ((await readdir(at())).length === before.length) {
      assert.equal(child.exitCode, null, "it is still at work");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill(signal);
    child.kill(signal);
    const { code, stderr } = await done;
    assert.equal(code, exitCode, stderr);
    assert.match(
      stderr,
      new RegExp(`^flatdelta: interrupted by ${signal}; nothing was written \\(INTERRUPTED\\)\n$`),
    );
    assert.deepEqual(await readdir(at()), before);
  });
}
