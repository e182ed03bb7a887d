/** Images on standard input: what `docker save … | flatdelta …` does. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { headerBlock } from "../image/tar-builder.ts";
import { finish, run, start, useFolder } from "./harness.ts";

const at = useFolder();
const pair = (name: string) => fileURLToPath(new URL(`../../fixtures/pair/${name}`, import.meta.url));

async function* inPieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 30_000) yield bytes.subarray(at, at + 30_000);
}

/** Run a command line that must succeed, with an image on standard input. */
async function runWith(input: Uint8Array, ...argv: string[]) {
  const { code, stderr } = await run([...argv, "--quiet"], { stdin: inPieces(input) });
  assert.deepEqual([code, stderr], [0, ""], argv.join(" "));
}

test("a command line of the shell's, with a real pipe", async () => {
  await copyFile(pair("old.tar"), at("old.tar"));
  const flatten = start(["flatten", "-", "-o", at("piped.flat"), "--tmp", at(), "--json"]);
  const cat = spawn("cat", [at("old.tar")]);
  cat.stdout.pipe(flatten.stdin);
  const { code, stdout, stderr } = await finish(flatten);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal((await run(["flatten", pair("old.tar"), "-o", at("seeking.flat")])).code, 0);
  const flat = await readFile(at("seeking.flat"));
  assert.deepEqual(await readFile(at("piped.flat")), flat);
  assert.equal(JSON.parse(stdout).flatBytes, flat.length);
  assert.deepEqual((await readdir(at())).sort(), ["old.tar", "piped.flat", "seeking.flat"]);
});

test("every command that reads images takes one from standard input", async () => {
  const [oldTar, newTar] = [await readFile(pair("old.tar")), await readFile(pair("new.tar"))];
  for (const [input, name] of [
    [oldTar, "old.tar"],
    [newTar, "new.tar"],
  ] as const) {
    await runWith(input, "flatten", "-", "-o", at(`${name}.flat`));
    await runWith(
      new Uint8Array(gzipSync(input)),
      "flatten",
      "docker-archive:-:@0",
      "-o",
      at("zipped"),
      "--force",
    );
    assert.deepEqual(await readFile(at("zipped")), await readFile(at(`${name}.flat`)));
  }
  const [oldFlat, newFlat] = [await readFile(at("old.tar.flat")), await readFile(at("new.tar.flat"))];
  await runWith(oldFlat, "flatten", "-", "-o", at("again"));
  assert.deepEqual(await readFile(at("again")), oldFlat);

  await runWith(oldTar, "signature", "-", "-o", at("piped.sig"));
  await runWith(oldTar, "signature", at("old.tar.flat"), "-o", at("sig"));
  assert.deepEqual(await readFile(at("piped.sig")), await readFile(at("sig")));

  const level = ["--level", "1"];
  await runWith(oldTar, "delta", at("old.tar.flat"), at("new.tar.flat"), "-o", at("d"), ...level);
  await runWith(oldTar, "delta", "-", pair("new.tar"), "-o", at("basis.d"), ...level);
  await runWith(newTar, "delta", at("old.tar.flat"), "-", "-o", at("target.d"), ...level);
  for (const name of ["basis.d", "target.d"])
    assert.deepEqual(await readFile(at(name)), await readFile(at("d")));

  await runWith(oldTar, "patch", "-", at("d"), "-o", at("patched"));
  assert.deepEqual(await readFile(at("patched")), newFlat);
});

test("standard input is read once and only for images; a file of that name is ./-", async () => {
  for (const [argv, message] of [
    [["delta", "-", "-"], /at most one of - and - to be standard input/],
    [["delta", "-", "oci-archive:-:v1"], /at most one/],
    [["patch", "docker-archive:-", "-"], /at most one/],
    [["delta", "--raw", "-", "x"], /expected a file with --raw/],
    [["signature", "--raw", "-"], /expected a file with --raw/],
    [["flatten", "flat:-"], /expected - alone/],
  ] as const) {
    const { code, stderr } = await run([...argv, "-o", at("out")]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  const [home, folder] = [process.cwd(), at("folder")];
  await mkdir(folder);
  await copyFile(pair("old.tar"), at("folder", "-"));
  process.chdir(folder);
  try {
    assert.equal((await run(["flatten", "./-", "-o", at("named.flat")])).code, 0);
    // Nothing is on standard input: the file that happens to be there is not taken for it.
    assert.equal((await run(["flatten", "-", "-o", at("out")])).code, 7);
  } finally {
    process.chdir(home);
  }
  assert.deepEqual((await readdir(at())).sort(), ["folder", "named.flat"]);
});

test("a pipe that breaks off is refused with the code of its class, and nothing is left", async () => {
  const tar = await readFile(pair("old.tar"));
  for (const [input, wanted] of [
    [tar.subarray(0, 300_000), "TRUNCATED"],
    [gzipSync(tar).subarray(0, 100_000), "BAD_COMPRESSION"],
    [Buffer.from("no such container\n"), "TRUNCATED"],
    [Buffer.alloc(0), "BAD_MANIFEST"],
    [Buffer.alloc(100_000, 7), "BAD_TAR_HEADER"],
  ] as const) {
    const child = start(["flatten", "-", "-o", at("out"), "--tmp", at()]);
    const done = finish(child);
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const { code, stderr } = await done;
    assert.match(stderr, new RegExp(`^flatdelta: [^\n]+ \\(${wanted}\\)\n$`));
    assert.equal(code, 7);
    assert.deepEqual(await readdir(at()), []);
  }
});

test("an interruption while the pipe stalls leaves nothing", async () => {
  await writeFile(at("before"), "");
  const child = start(["flatten", "-", "-o", at("out"), "--tmp", at()]);
  const done = finish(child);
  child.stdin.on("error", () => {});
  // More than a pipe holds: when it is written, the process is reading. The rest never comes.
  const part = Buffer.concat([
    headerBlock({ name: "large", sizeBytes: 9_000_000 }),
    Buffer.alloc(5_000_000, 1),
  ]);
  await new Promise((resolve) => child.stdin.write(part, resolve));
  assert.equal(child.exitCode, null, "it waits");
  child.kill("SIGINT");
  const { code, stderr } = await done;
  assert.deepEqual(
    [code, stderr],
    [130, "flatdelta: interrupted by SIGINT; nothing was written (INTERRUPTED)\n"],
  );
  assert.deepEqual(await readdir(at()), ["before"]);
});
