/** Signatures and deltas of rdiff on the command line. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { toHex } from "../../src/bytes/index.ts";
import { sha256 } from "../../src/hash/index.ts";
import { applyEdit, inPieces, makeBytes } from "../support/pairs.ts";
import { run, useFolder } from "./harness.ts";

const folder = useFolder();

const OLD = makeBytes(20_000, 1);
const NEW = applyEdit(OLD, { kind: "move", at: 100, length: 4000, to: 15_000 });

function writePair(): void {
  writeFileSync(folder("old"), OLD);
  writeFileSync(folder("new"), NEW);
}

async function runJson(...argv: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run([...argv, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("a signature, a delta from it and its target, each told of", async () => {
  writePair();
  const hashes = [
    "--weak-hash",
    "rollsum",
    "--strong-hash",
    "md4",
    "--block-size",
    "100",
    "--strong-size",
    "min",
  ];
  const signed = await runJson(
    "signature",
    "--format",
    "rdiff",
    ...hashes,
    folder("old"),
    "-o",
    folder("sig"),
  );
  assert.deepEqual(
    [signed.weakHash, signed.strongHash, signed.blockBytes, signed.blockCount, signed.basisSha256],
    ["rollsum", "md4", 100, 200, toHex(sha256(OLD))],
  );
  assert.equal(signed.signatureBytes, readFileSync(folder("sig")).length);
  const toldSignature = await runJson("inspect", folder("sig"));
  assert.deepEqual(
    [toldSignature.kind, toldSignature.format, toldSignature.blockCount],
    ["signature", "rdiff", 200],
  );

  // A signature of rdiff can only lead to a delta of rdiff.
  const made = await runJson("delta", folder("sig"), folder("new"), "-o", folder("delta"));
  assert.deepEqual([made.format, made.targetSha256], ["rdiff", toHex(sha256(NEW))]);
  const told = await runJson("inspect", folder("delta"));
  assert.deepEqual([told.kind, told.format, told.targetBytes], ["delta", "rdiff", NEW.length]);

  const digest = ["--target-sha256", toHex(sha256(NEW))];
  const applied = await runJson("patch", folder("old"), folder("delta"), "-o", folder("made"), ...digest);
  assert.equal(applied.warnings, undefined);
  assert.deepEqual(new Uint8Array(readFileSync(folder("made"))), NEW);
});

test("a delta from the basis is smaller, and is applied from a pipe, with a warning where nothing proves it", async () => {
  writePair();
  await runJson("signature", "--format", "rdiff", folder("old"), "-o", folder("sig"));
  const signed = await runJson("delta", folder("sig"), folder("new"), "-o", folder("signed"));
  const made = await runJson(
    "delta",
    "--format",
    "rdiff",
    folder("old"),
    folder("new"),
    "-o",
    folder("delta"),
  );
  assert.ok(Number(made.deltaBytes) < Number(signed.deltaBytes));
  const stdin = inPieces(new Uint8Array(readFileSync(folder("delta"))), 3);
  const { code, stderr } = await run(["patch", folder("old"), "-", "-o", folder("made")], { stdin });
  assert.equal(code, 0);
  assert.match(stderr, /^flatdelta: warning: .*--target-sha256/u);
  assert.deepEqual(new Uint8Array(readFileSync(folder("made"))), NEW);
});

test("a wrong basis leaves nothing where the digest is given", async () => {
  writePair();
  await runJson("delta", "--format", "rdiff", folder("old"), folder("new"), "-o", folder("delta"));
  writeFileSync(folder("old"), makeBytes(20_000, 2));
  const digest = ["--target-sha256", toHex(sha256(NEW))];
  const { code, stderr } = await run([
    "patch",
    folder("old"),
    folder("delta"),
    "-o",
    folder("made"),
    ...digest,
  ]);
  assert.equal(code, 4);
  assert.match(stderr, /TARGET_MISMATCH/u);
  assert.equal(existsSync(folder("made")), false);
});

test("verify reads all of it, and says that this proves little", async () => {
  writePair();
  await runJson("delta", "--format", "rdiff", folder("old"), folder("new"), "-o", folder("delta"));
  const verified = await runJson("verify", folder("delta"));
  assert.equal(verified.verified, false);
  assert.equal((verified.warnings as string[]).length, 1);
  writeFileSync(folder("cut"), readFileSync(folder("delta")).subarray(0, -1));
  assert.equal((await run(["verify", folder("cut")])).code, 3);
});

test("options and signatures that do not go with rdiff are wrong use", async () => {
  writePair();
  await runJson("signature", "--raw", folder("old"), "-o", folder("own"));
  for (const argv of [
    ["signature", "--format", "rdiff", "--strong-hash", "md4", "--strong-size", "17", folder("old")],
    ["signature", "--format", "rdiff", "--strong-size", "some", folder("old")],
    ["signature", "--raw", "--weak-hash", "rollsum", folder("old")],
    ["delta", "--format", "rdiff", "--level", "9", folder("old"), folder("new")],
    ["delta", "--format", "rdiff", folder("own"), folder("new")],
    ["patch", "--format", "rdiff", "--resume", folder("old"), folder("new")],
  ])
    assert.equal((await run([...argv, "-o", folder("out")])).code, 2, argv.join(" "));
});
