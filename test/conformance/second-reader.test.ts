/** The reader in Python, which was written from the documents alone, and ours agree. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { devNull } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { toHex } from "../../src/bytes/index.ts";
import { inspectDelta } from "../../src/delta/index.ts";
import { loadHash64 } from "../../src/hash/index.ts";
import { readSignature } from "../../src/signature/index.ts";
import { BasisFiles } from "./basis-files.ts";
import { GOLDEN_FOLDER, type GoldenEntry, hexSha256, isLarge, isOverLimit, readManifest } from "./golden.ts";
import { randomCases } from "./random-deltas.ts";
import { applyToFile, readGolden } from "./read-golden.ts";
import { type Answer, SecondReader } from "./second-reader.ts";

const takesLarge = process.env.FLATDELTA_CONFORMANCE === "all";
const caseCount = Number(process.env.FLATDELTA_CASES ?? 25);

const started = SecondReader.start();
const skip = typeof started === "string" && started;
const reader = started as SecondReader;
const manifest = await readManifest();
const bases = await BasisFiles.open(manifest);
const madePath = join(bases.folder, "made");
after(async () => {
  if (skip === false) await reader.close();
  await bases.close();
});

const { hash } = await loadHash64();
const toHex64 = (value: bigint): string => value.toString(16).padStart(16, "0");

async function checkSignature(entry: GoldenEntry, answer: Answer): Promise<void> {
  const { blockBytes, basisBytes, basisSha256, basisXxh64, weakHashes, strongHashes } = await readSignature(
    await readGolden(entry),
  );
  assert.deepEqual(answer, {
    block_size: blockBytes,
    basis_size: basisBytes,
    basis_digest: toHex(basisSha256),
    basis_checksum: toHex64(basisXxh64),
    weak_hashes: [...weakHashes],
    strong_hashes: [...strongHashes].map(toHex64),
  });
}

async function ask(entry: GoldenEntry): Promise<Answer> {
  const golden = join(GOLDEN_FOLDER, entry.path);
  if (entry.path.endsWith(".sig")) return reader.readSignature(golden);
  // The reader proves the digest that the delta names; what it makes is read again where that takes no time.
  const target = isLarge(entry, manifest) ? devNull : madePath;
  return reader.apply(await bases.pathOf(entry.basis), golden, target);
}

const asked = manifest.files.filter(
  (entry) => !isOverLimit(entry) && (takesLarge || !isLarge(entry, manifest)),
);

describe("the second reader and golden files", { skip }, () => {
  for (const entry of asked) {
    test(`${entry.path}: ${entry.says}`, async () => {
      const answer = await ask(entry);
      if (entry.code !== undefined) return assert.equal(typeof answer.refused, "string");
      assert.equal(answer.refused, undefined);
      if (entry.target === undefined) return checkSignature(entry, answer);
      assert.equal(answer.target_size, entry.target.bytes);
      assert.equal(answer.target_digest, entry.target.sha256);
      if (!isLarge(entry, manifest)) assert.equal(hexSha256(await readFile(madePath)), entry.target.sha256);
    });
  }
});

test(`the second reader and ours make the same of ${caseCount} random deltas`, { skip }, async () => {
  const [basisPath, deltaPath] = [join(bases.folder, "basis"), join(bases.folder, "delta")];
  for await (const { basis, target, delta, says } of randomCases(caseCount)) {
    await writeFile(basisPath, basis);
    await writeFile(deltaPath, delta);
    const answer = await reader.apply(basisPath, deltaPath, madePath);
    assert.equal(answer.refused, undefined, says);
    assert.equal(hexSha256(await readFile(madePath)), hexSha256(target), says);
    assert.equal((await applyToFile(basisPath, delta)).sha256, hexSha256(target), says);
    const { metadata } = await inspectDelta(delta);
    assert.deepEqual(answer.metadata, metadata, says);
    assert.equal(answer.basis_checksum, toHex64(hash(basis)), says);
  }
});
