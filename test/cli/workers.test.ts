import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeBytes } from "../support/pairs.ts";
import { run, useFolder } from "./harness.ts";

const at = useFolder();
const pair = (name: string) => fileURLToPath(new URL(`../../fixtures/pair/${name}`, import.meta.url));

async function checkSameDeltas(...args: readonly string[]): Promise<void> {
  const deltas: Buffer[] = [];
  for (const workers of [
    [],
    ["--workers", "0"],
    ["--workers", "1"],
    ["--workers", "2"],
    ["--workers", "4"],
  ]) {
    const path = at(`delta${workers.join("")}`);
    const outcome = await run(["delta", ...args, "-o", path, "--quiet", ...workers]);
    assert.deepEqual(outcome, { code: 0, stdout: "", stderr: "" });
    deltas.push(await readFile(path));
  }
  for (const delta of deltas) assert.deepEqual(delta, deltas[0]);
}

test("the delta of two real images is the same with any number of workers", () =>
  // Level 3 matches and sketches on threads as the higher ones do; what codes on threads there is tried below.
  checkSameDeltas(pair("old.tar"), pair("new.tar"), "--level", "3"));

test("so is that of two files which are large enough for a worker", async () => {
  const basis = makeBytes(200_000, 1);
  await writeFile(at("basis"), basis);
  await writeFile(
    at("target"),
    basis.map((byte, i) => (i % 50 < 3 ? byte + 1 : byte)),
  );
  await checkSameDeltas("--raw", at("basis"), at("target"));
});

test("a number of workers that makes no sense is wrong use", async () => {
  for (const workers of ["-1", "65", "two", "1.5"]) {
    const { code, stderr } = await run(["delta", "a", "b", "-o", at("d"), `--workers=${workers}`]);
    assert.equal(code, 2);
    assert.match(stderr, /expected --workers to be a whole number from 0 to 64, got/);
  }
});
