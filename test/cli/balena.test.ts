/** Delta images of balenaEngine on the command line. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { inPieces } from "../support/pairs.ts";
import { run, useFolder } from "./harness.ts";

const folder = useFolder();

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/balena/${name}`, import.meta.url));

async function runJson(...argv: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run([...argv, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("a delta image is written, told of, recognised and applied", async () => {
  const [old, wanted] = [fixture("old.tar.gz"), fixture("new.tar.gz")];
  const made = await runJson("delta", "--format", "balena", old, wanted, "-o", folder("delta.tar"));
  assert.deepEqual([made.format, made.layerCount, made.sharedLayerCount], ["balena", 2, 1]);
  assert.equal(made.deltaBytes, readFileSync(folder("delta.tar")).length);
  const told = await runJson("inspect", folder("delta.tar"));
  assert.deepEqual(
    [told.format, told.basisId, told.targetId, told.layerDeltaBytes],
    ["balena", made.basisId, made.targetId, made.layerDeltaBytes],
  );
  const applied = await runJson("patch", old, folder("delta.tar"), "-o", folder("new.tar"));
  assert.equal(applied.targetId, made.targetId);
  assert.equal(applied.warnings, undefined);
  const same = await runJson(
    "delta",
    "--format",
    "balena",
    folder("new.tar"),
    wanted,
    "-o",
    folder("none.tar"),
  );
  assert.deepEqual([same.basisId, same.sharedLayerCount], [made.targetId, 2]);
});

test("what balenaEngine made is applied from a pipe, and refused for another basis", async () => {
  const theirs = gunzipSync(readFileSync(fixture("delta.tar.gz")));
  const stdin = () => inPieces(new Uint8Array(theirs), 1000);
  const argv = (basis: string) => [
    "patch",
    "--format",
    "balena",
    fixture(basis),
    "-",
    "-o",
    folder("new.tar"),
  ];
  const refused = await run(argv("new.tar.gz"), { stdin: stdin() });
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /BASIS_MISMATCH/u);
  assert.equal(existsSync(folder("new.tar")), false);
  const { code, stderr } = await run(argv("old.tar.gz"), { stdin: stdin() });
  assert.equal(code, 0, stderr);
  assert.ok(existsSync(folder("new.tar")));
});

test("any other archive is no delta", async () => {
  const { code, stderr } = await run([
    "patch",
    fixture("old.tar.gz"),
    fixture("new.tar.gz"),
    "-o",
    folder("x"),
  ]);
  assert.equal(code, 3);
  assert.match(stderr, /BAD_MAGIC/u);
});
