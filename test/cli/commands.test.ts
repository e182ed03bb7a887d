import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { InterruptedError } from "../../src/cli/exit-code.ts";
import { run, useFolder } from "./harness.ts";

const at = useFolder();
const pair = (name: string) => fileURLToPath(new URL(`../../fixtures/pair/${name}`, import.meta.url));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Bytes that do not compress, the same every time. */
function noise(length: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) parts.push(createHash("sha256").update(`${seed} ${i}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

// They share most of their bytes.
const basis = noise(300_000, "basis");
const target = Buffer.concat([noise(1000, "new head"), basis.subarray(50_000), Buffer.alloc(5000, 7)]);

/** Where it is not the coding of a delta that is tested: context mixing takes each command some tenths of a second. */
const QUICK = ["--level", "1"];

async function writePlainPair() {
  await writeFile(at("basis"), basis);
  await writeFile(at("target"), target);
}

/** The same, and a delta from one to the other. */
async function writePlainDelta() {
  await writePlainPair();
  await runJson("delta", "--raw", at("basis"), at("target"), "-o", at("d"), ...QUICK);
}

/** Run a command line that must succeed, with --json. */
async function runJson(...argv: string[]) {
  const { code, stdout, stderr } = await run([...argv, "--json"]);
  assert.deepEqual([code, stderr], [0, ""], argv.join(" "));
  assert.match(stdout, /^[^\n]*\n$/, "one line");
  return JSON.parse(stdout);
}

test("plain files: delta and patch", async () => {
  await writePlainPair();
  const made = await runJson("delta", "--raw", at("basis"), at("target"), "-o", at("d"));
  const deltaFile = await readFile(at("d"));
  assert.equal(made.basisBytes, basis.length);
  assert.equal(made.targetBytes, target.length);
  assert.equal(made.deltaBytes, deltaFile.length);
  assert.equal(made.targetSha256, sha256(target));
  assert.ok(made.copiedBytes > 240_000);
  assert.ok(made.literalBytes >= 1000 && made.literalBytes < 10_000);
  assert.deepEqual([made.seconds, made.peakMemoryBytes], [1.5, 4096]);
  const patched = await runJson("patch", "--raw", at("basis"), at("d"), "-o", at("out"));
  assert.equal(patched.targetBytes, target.length);
  assert.equal(patched.targetSha256, sha256(target));
  assert.deepEqual([patched.seconds, patched.peakMemoryBytes], [1.5, 4096]);
  assert.deepEqual(await readFile(at("out")), target);
});

test("plain files: by a signature", async () => {
  await writePlainPair();
  const signed = await runJson("signature", "--raw", at("basis"), "--block-size", "512", "-o", at("s"));
  assert.equal(signed.basisBytes, basis.length);
  assert.equal(signed.basisSha256, sha256(basis));
  assert.equal(signed.blockBytes, 512);
  assert.equal(signed.blockCount, Math.ceil(basis.length / 512));
  assert.equal(signed.signatureBytes, (await readFile(at("s"))).length);
  const made = await runJson("delta", "--raw", at("s"), at("target"), "-o", at("d"));
  assert.ok(made.deltaBytes < 20_000, `${made.deltaBytes}`);
  await runJson("patch", "--raw", at("basis"), at("d"), "-o", at("out"));
  assert.deepEqual(await readFile(at("out")), target);
});

test("the delta may arrive on standard input, in any pieces", async () => {
  await writePlainDelta();
  const bytes = await readFile(at("d"));
  async function* stdin() {
    for (let i = 0; i < bytes.length; i += 777) yield bytes.subarray(i, i + 777);
  }
  const { code } = await run(["patch", "--raw", at("basis"), "-", "-o", at("out")], { stdin: stdin() });
  assert.equal(code, 0);
  assert.deepEqual(await readFile(at("out")), target);
});

test("every codec that all Node versions have", async () => {
  await writePlainPair();
  for (const codec of ["none", "deflate", "brotli"]) {
    await runJson("delta", "--raw", at("basis"), at("target"), "--codec", codec, "-o", at(codec));
    const { streams } = await runJson("inspect", at(codec));
    assert.ok(
      streams.some((stream: { codec: string }) => stream.codec === codec),
      codec,
    );
    await runJson("patch", "--raw", at("basis"), at(codec), "-o", at(`${codec}.out`));
    assert.deepEqual(await readFile(at(`${codec}.out`)), target);
  }
});

test("images: flatten, delta, patch from any form, verify, inspect", async () => {
  const [oldTar, newTar] = [pair("old.tar"), pair("new.tar")];
  const oldFlat = await runJson("flatten", oldTar, "-o", at("old.flat"));
  const newFlat = await runJson("flatten", `docker-archive:${newTar}`, "-o", at("new.flat"));
  const newBytes = await readFile(at("new.flat"));
  assert.equal(newFlat.flatBytes, newBytes.length);
  assert.equal(newFlat.flatSha256, sha256(newBytes));
  assert.match(newFlat.layerDigest, /^sha256:[0-9a-f]{64}$/);
  assert.ok(newFlat.entryCount > 10);
  assert.notEqual(oldFlat.flatSha256, newFlat.flatSha256);

  const made = await runJson("delta", oldTar, newTar, "-o", at("d"), ...QUICK);
  assert.equal(made.basisBytes, oldFlat.flatBytes);
  assert.equal(made.targetSha256, newFlat.flatSha256);
  await runJson("delta", at("old.flat"), `flat:${at("new.flat")}`, "-o", at("d2"), ...QUICK);
  assert.deepEqual(
    await readFile(at("d2")),
    await readFile(at("d")),
    "the form of the images makes no difference",
  );

  for (const basis of [oldTar, at("old.flat"), `flat:${at("old.flat")}`]) {
    const patched = await runJson("patch", basis, at("d"), "-o", at("out"), "--force");
    assert.equal(patched.targetSha256, newFlat.flatSha256);
    assert.deepEqual(await readFile(at("out")), newBytes);
  }

  await runJson("signature", oldTar, "-o", at("s"));
  await runJson("delta", at("s"), newTar, "-o", at("d3"), ...QUICK);
  await runJson("patch", oldTar, at("d3"), "-o", at("out"), "--force");
  assert.deepEqual(await readFile(at("out")), newBytes);

  const verified = await Promise.all(
    [at("new.flat"), at("d"), at("s")].map((path) => runJson("verify", path)),
  );
  assert.deepEqual(
    verified.map(({ kind, verified: whole }) => [kind, whole]),
    [
      ["flat image", true],
      ["delta", true],
      ["signature", true],
    ],
  );
  const [flat, delta, signature] = await Promise.all(
    [at("new.flat"), at("d"), at("s")].map((path) => runJson("inspect", path)),
  );
  assert.equal(flat.layerDigest, newFlat.layerDigest);
  assert.equal(flat.config.os, "linux");
  assert.equal(delta.targetForm, "flat-image");
  assert.equal(delta.basisSha256, oldFlat.flatSha256);
  assert.equal(delta.targetSha256, newFlat.flatSha256);
  assert.equal(signature.basisSha256, oldFlat.flatSha256);
});

test("what each file costs: from making the delta, and from the delta and its basis", async () => {
  const made = await runJson("delta", pair("old.tar"), pair("new.tar"), "-o", at("d"), "--files");
  const { files, freeFiles, outside, framingBytes } = made;
  const cost = files.map(({ deltaBytes }: { deltaBytes: number }) => deltaBytes);
  assert.ok(cost.length > 1);
  assert.deepEqual(
    cost,
    cost.toSorted((a: number, b: number) => b - a),
    "the costliest first",
  );
  assert.equal(
    cost.reduce((sum: number, bytes: number) => sum + bytes, 0) + outside.deltaBytes + framingBytes,
    made.deltaBytes,
  );
  assert.ok(files.every(({ path }: { path: string }) => !path.includes("\0")));
  const told = await runJson("inspect", at("d"), "--basis", pair("old.tar"));
  assert.deepEqual([told.files, told.freeFiles, told.outside], [files, freeFiles, outside]);
  assert.equal(told.framingBytes, framingBytes);
  assert.equal((await runJson("inspect", at("d"))).files, undefined);
  const { stdout } = await run(["inspect", at("d"), "--basis", pair("old.tar")]);
  assert.match(
    stdout,
    /files +[0-9]+ cost something, [0-9]+ nothing\n +[0-9,]+ bytes \([0-9.]+ % of the delta\), /,
  );
});

test("what --basis is of no use for is refused, and so is a wrong basis", async () => {
  await writePlainDelta();
  await runJson("flatten", pair("old.tar"), "-o", at("old.flat"));
  assert.equal((await run(["inspect", at("d"), "--basis", pair("old.tar")])).code, 2);
  assert.equal((await run(["inspect", at("old.flat"), "--basis", pair("old.tar")])).code, 2);
  await runJson("delta", pair("old.tar"), pair("new.tar"), "-o", at("d2"), ...QUICK);
  assert.equal((await run(["inspect", at("d2"), "--basis", pair("new.tar")])).code, 4);
});

test("people get a few lines, with --quiet none", async () => {
  await writePlainPair();
  const argv = ["delta", "--raw", at("basis"), at("target"), "-o", at("d"), ...QUICK];
  const shown = await run(argv);
  assert.equal(shown.code, 0);
  assert.match(
    shown.stdout,
    /^delta {4}.*d, [0-9,]+ bytes \([0-9.]+ % of the target\)\nbasis {4}300,000 bytes\n/,
  );
  assert.ok(shown.stdout.split("\n").length < 12);
  assert.deepEqual(await run([...argv, "--force", "--quiet"]), { code: 0, stdout: "", stderr: "" });
  for (const path of [at("d")]) {
    for (const command of ["verify", "inspect"]) {
      const { stdout } = await run([command, path]);
      assert.match(stdout, /sha256 [0-9a-f]{64}/, command);
    }
  }
});

test("progress is shown on a terminal only, and wiped", async () => {
  await writePlainPair();
  const argv = ["delta", "--raw", at("basis"), at("target"), "-o", at("d"), "--force", ...QUICK];
  assert.equal((await run(argv)).stderr, "");
  let drawn: string[] = [];
  const stderr = { isTTY: true, columns: 100, write: (text: string) => drawn.push(text) };
  assert.equal((await run(argv, { stderr })).code, 0);
  assert.match(drawn.join(""), /%/);
  assert.equal(drawn.at(-1), "\r\x1b[K");
  drawn = [];
  assert.equal((await run([...argv, "--quiet"], { stderr })).code, 0);
  assert.deepEqual(drawn, []);
});

test("a wrong basis is refused, and nothing is left", async () => {
  await writePlainDelta();
  const wrong = Buffer.from(basis);
  wrong[1234]! ^= 1;
  await writeFile(at("wrong"), wrong);
  const before = await readdir(at());
  const { code, stdout, stderr } = await run([
    "patch",
    "--raw",
    at("wrong"),
    at("d"),
    "-o",
    at("out"),
    "--json",
  ]);
  assert.equal(code, 4);
  assert.match(stderr, /^flatdelta: .*\(BASIS_MISMATCH\)\n$/);
  assert.equal(JSON.parse(stdout).error.code, "BASIS_MISMATCH");
  assert.deepEqual(await readdir(at()), before);
});

test("damage is refused with the code of its class, and nothing is left", async () => {
  await writePlainDelta();
  await runJson("signature", "--raw", at("basis"), "-o", at("s"));
  const [delta, signature] = [await readFile(at("d")), await readFile(at("s"))];
  await mkdir(at("bad"));
  const flip = (bytes: Buffer, offset: number) => {
    const flipped = Buffer.from(bytes);
    flipped[offset]! ^= 0x10;
    return flipped;
  };
  const cases: [bytes: Buffer, code: number, error: RegExp][] = [
    [flip(delta, 0), 3, /BAD_MAGIC/],
    [flip(delta, 8), 6, /UNSUPPORTED_VERSION/],
    [flip(delta, 20), 3, /CORRUPT_HEADER/],
    [delta.subarray(0, -1), 3, /TRUNCATED/],
    [delta.subarray(0, 4), 3, /BAD_MAGIC|TRUNCATED/],
    [Buffer.alloc(0), 3, /BAD_MAGIC|TRUNCATED/],
    [Buffer.concat([delta, Buffer.of(0)]), 3, /TRAILING_DATA/],
  ];
  for (const [bytes, code, error] of cases) {
    await writeFile(at("bad", "d"), bytes);
    for (const argv of [
      ["patch", "--raw", at("basis"), at("bad", "d"), "-o", at("bad", "out")],
      ["verify", at("bad", "d")],
    ]) {
      const outcome = await run(argv);
      assert.equal(outcome.code, code, `${argv[0]}: ${outcome.stderr}`);
      assert.match(outcome.stderr, error);
      assert.doesNotMatch(outcome.stderr, /\n./, "one line");
    }
    assert.deepEqual(await readdir(at("bad")), ["d"]);
  }
  await writeFile(at("bad", "s"), flip(signature, signature.length - 20));
  assert.equal((await run(["delta", "--raw", at("bad", "s"), at("target"), "-o", at("bad", "out")])).code, 3);
  assert.equal((await run(["verify", at("bad", "s")])).code, 3);
  assert.deepEqual((await readdir(at("bad"))).sort(), ["d", "s"]);
});

test("a damaged or unreadable image is refused with the code of its class", async () => {
  const tar = await readFile(pair("old.tar"));
  await writeFile(at("cut.tar"), tar.subarray(0, tar.length >> 1));
  await writeFile(at("text"), "no image at all");
  const cases: [name: string, code: number][] = [
    [at("cut.tar"), 7],
    [at("text"), 7],
    [`flat:${pair("old.tar")}`, 7],
    [`docker-archive:${pair("old.tar")}:no-such:tag`, 7],
    ["containers-storage:app:1", 6],
    ["oci:", 2],
    [at("none.tar"), 1],
  ];
  for (const [name, code] of cases) {
    const outcome = await run(["flatten", name, "-o", at("out")]);
    assert.equal(outcome.code, code, `${name}: ${outcome.stderr}`);
  }
  assert.equal((await run(["flatten", pair("old.tar"), "--platform", "linux", "-o", at("out")])).code, 2);
  assert.deepEqual((await readdir(at())).sort(), ["cut.tar", "text"]);
});

test("an existing output is refused before any work", async () => {
  await writePlainPair();
  await writeFile(at("d"), "precious");
  const { code, stderr } = await run(["delta", "--raw", at("no basis"), at("target"), "-o", at("d")]);
  assert.equal(code, 2);
  assert.match(stderr, /exists already; pass --force/);
  assert.equal(await readFile(at("d"), "utf8"), "precious");
});

test("an output may replace an input", async () => {
  await writePlainDelta();
  await runJson("patch", "--raw", at("basis"), at("d"), "-o", at("basis"), "--force");
  assert.deepEqual(await readFile(at("basis")), target);
});

test("an interruption in the middle leaves nothing", async () => {
  await writePlainDelta();
  const bytes = await readFile(at("d"));
  const before = await readdir(at());
  const controller = new AbortController();
  async function* stdin() {
    yield bytes.subarray(0, bytes.length - 30);
    assert.ok((await readdir(at())).length > before.length, "the output has begun");
    controller.abort(new InterruptedError("SIGINT"));
    yield bytes.subarray(bytes.length - 30);
  }
  const argv = ["patch", "--raw", at("basis"), "-", "-o", at("out")];
  assert.equal((await run(argv, { stdin: stdin(), signal: controller.signal })).code, 130);
  assert.deepEqual(await readdir(at()), before);
});

test("values of options are checked", async () => {
  await writePlainPair();
  for (const argv of [
    ["delta", "--raw", at("basis"), at("target"), "-o", at("d"), "--codec", "lzma"],
    ["signature", "--raw", at("basis"), "-o", at("s"), "--block-size", "1"],
    ["signature", "--raw", at("basis"), "-o", at("s"), "--block-size", "many"],
  ]) {
    assert.equal((await run(argv)).code, 2, argv.join(" "));
  }
  assert.deepEqual((await readdir(at())).sort(), ["basis", "target"]);
});
