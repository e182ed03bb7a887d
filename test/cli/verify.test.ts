/** `verify` of deltas: alone, with their basis, and with the digest of the target. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { toHex } from "../../src/bytes/index.ts";
import { sha256 } from "../../src/hash/index.ts";
import { assembleBsdiff40 } from "../support/bsdiff.ts";
import { applyEdit, makeBytes } from "../support/pairs.ts";
import { run, useFolder } from "./harness.ts";

const folder = useFolder();

const OLD = makeBytes(20_000, 1);
const NEW = applyEdit(OLD, { kind: "insert", at: 9000, bytes: makeBytes(700, 2) });
const DIGEST = toHex(sha256(NEW));

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/balena/${name}`, import.meta.url));

interface Verified {
  code: number;
  verified?: boolean;
  warnings?: string[];
  targetBytes?: number;
  targetSha256?: string;
  error?: { code: string };
}

async function verify(...argv: readonly string[]): Promise<Verified> {
  const { code, stdout } = await run(["verify", ...argv, "--json"]);
  return { code, ...(JSON.parse(stdout) as object) };
}

beforeEach(async () => {
  writeFileSync(folder("old"), OLD);
  writeFileSync(folder("new"), NEW);
  writeFileSync(folder("other"), makeBytes(20_000, 3));
  for (const format of ["rdiff", "vcdiff", "flatdelta"])
    await run(["delta", "--raw", "--format", format, folder("old"), folder("new"), "-o", folder(format)]);
  const entries = [
    { diff: new Uint8Array(9000), extra: NEW.subarray(9000, 9700), seek: 0 },
    { diff: new Uint8Array(11_000), extra: new Uint8Array(0), seek: 0 },
  ];
  writeFileSync(folder("bsdiff"), assembleBsdiff40(entries));
  for (const name of ["old", "new", "delta"])
    writeFileSync(folder(`${name}.tar`), gunzipSync(readFileSync(fixture(`${name}.tar.gz`))));
});

test("what each format proves, and what is said of the rest", async () => {
  const basis = ["--basis", folder("old")];
  const digest = [...basis, "--target-sha256", DIGEST];
  for (const [format, options, verified, warning] of [
    ["rdiff", [], false, /no checksum.*--basis and --target-sha256/u],
    ["rdiff", basis, false, /--target-sha256/u],
    ["rdiff", digest, true, undefined],
    ["vcdiff", [], false, /20,700 bytes, which were not checked; give --basis/u],
    ["vcdiff", basis, true, /--target-sha256/u],
    ["vcdiff", digest, true, undefined],
    ["bsdiff", [], true, /does not say which basis.*--basis and --target-sha256/u],
    ["bsdiff", basis, true, /--target-sha256/u],
    ["bsdiff", digest, true, undefined],
    ["flatdelta", [], true, undefined],
    ["flatdelta", ["--raw", ...basis], true, undefined],
  ] as const) {
    const found = await verify(folder(format), ...options);
    const what = `${format} ${options}`;
    assert.deepEqual([found.code, found.verified, found.targetBytes], [0, verified, NEW.length], what);
    if (warning === undefined) assert.equal(found.warnings, undefined, what);
    else assert.match(found.warnings!.join(), warning, what);
  }
});

test("another basis is refused where anything tells it", async () => {
  const other = ["--basis", folder("other")];
  for (const [format, options, code] of [
    ["rdiff", [...other, "--target-sha256", DIGEST], "TARGET_MISMATCH"],
    ["vcdiff", other, "TARGET_MISMATCH"],
    ["bsdiff", [...other, "--target-sha256", DIGEST], "TARGET_MISMATCH"],
    ["flatdelta", ["--raw", ...other], "BASIS_MISMATCH"],
  ] as const) {
    const found = await verify(folder(format), ...options);
    assert.deepEqual([found.code, found.error?.code], [4, code], format);
  }
});

test("what is cut off is refused", async () => {
  for (const format of ["rdiff", "vcdiff", "bsdiff", "flatdelta"]) {
    const bytes = readFileSync(folder(format));
    writeFileSync(folder("cut"), bytes.subarray(0, -1));
    assert.equal((await verify(folder("cut"))).code, 3, format);
  }
});

test("a delta image of balenaEngine is proven by its layers' digests, and its target with the basis", async () => {
  const alone = await verify(folder("delta.tar"));
  assert.deepEqual([alone.code, alone.verified, alone.warnings], [0, true, undefined]);
  assert.equal((await verify(folder("delta.tar"), "--basis", folder("old.tar"))).code, 0);
  assert.equal((await verify(folder("delta.tar"), "--basis", folder("new.tar"))).code, 4);
  const damaged = readFileSync(folder("delta.tar"));
  // In a literal, where the ops stay as they are.
  const delta = damaged.indexOf(Uint8Array.of(0x72, 0x73, 0x02, 0x36));
  damaged[delta + 4000]! ^= 1;
  writeFileSync(folder("damaged.tar"), damaged);
  const found = await verify(folder("damaged.tar"));
  assert.deepEqual([found.code, found.error?.code], [7, "DIGEST_MISMATCH"]);
});

test("options that say nothing of a file are wrong use", async () => {
  for (const argv of [
    [folder("flatdelta"), "--target-sha256", DIGEST],
    [folder("delta.tar"), "--target-sha256", DIGEST],
    [folder("rdiff"), "--target-sha256", DIGEST],
  ])
    assert.equal((await verify(...argv)).code, 2, argv.join(" "));
  assert.equal((await verify(`rootfs:${folder()}`, "--basis", folder("old"))).code, 2);
  await run(["signature", "--raw", folder("old"), "-o", folder("signature")]);
  assert.equal((await verify(folder("signature"), "--basis", folder("old"))).code, 2);
});
