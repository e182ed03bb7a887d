/** Deltas of other tools on the command line. */
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

async function runJson(
  argv: readonly string[],
  stdin?: Uint8Array,
): Promise<{ code: number } & Record<string, unknown>> {
  const { code, stdout } = await run(
    [...argv, "--json"],
    stdin === undefined ? {} : { stdin: inPieces(stdin, 50) },
  );
  return { code, ...(JSON.parse(stdout) as Record<string, unknown>) };
}

function writePair(): void {
  writeFileSync(folder("old"), OLD);
  writeFileSync(folder("new"), NEW);
}

test("VCDIFF is written, told of, recognised and applied", async () => {
  writePair();
  const made = await runJson([
    "delta",
    "--format",
    "vcdiff",
    folder("old"),
    folder("new"),
    "-o",
    folder("delta"),
  ]);
  assert.equal(made.code, 0);
  assert.equal(made.format, "vcdiff");
  assert.equal(made.deltaBytes, readFileSync(folder("delta")).length);
  const told = await runJson(["inspect", folder("delta")]);
  assert.deepEqual([told.format, told.targetBytes, told.windowCount], ["vcdiff", NEW.length, 1]);
  const argv = ["patch", folder("old"), folder("delta"), "-o", folder("made")];
  const applied = await runJson([...argv, "--target-sha256", toHex(sha256(NEW))]);
  assert.equal(applied.code, 0);
  assert.equal(applied.warnings, undefined);
  assert.deepEqual(readFileSync(folder("made")), Buffer.from(NEW));
});

test("without the target's digest there is a warning, with another nothing is left behind", async () => {
  writePair();
  await run(["delta", "--format", "vcdiff", folder("old"), folder("new"), "-o", folder("delta")]);
  const argv = ["patch", folder("old"), folder("delta"), "-o", folder("made")];
  const other = await run([...argv, "--target-sha256", toHex(sha256(OLD))]);
  assert.equal(other.code, 4);
  assert.match(other.stderr, /TARGET_MISMATCH/u);
  assert.ok(!existsSync(folder("made")));
  const trusting = await run(argv);
  assert.equal(trusting.code, 0);
  assert.match(trusting.stderr, /warning: .*--target-sha256/u);
  const wrong = await run([...argv, "-f", "--target-sha256", "12"]);
  assert.equal(wrong.code, 2);
});

// What `bsdiff old new` 4.3 makes of these two.
const TEXTS = [
  "the quick brown fox jumps over the lazy dog, again and again and again",
  "the quick red fox jumps over the lazy dogs, again and again and again and zzzzzzzzzzzzzzzzzzzz",
] as const;
const BSDIFF40 = Buffer.from(
  "QlNESUZGNDA9AAAAAAAAACcAAAAAAAAAXgAAAAAAAABCWmg5MUFZJlNZkjEbqAAAFXBAehgALCAAQAAgACGmkaPU8oQNA0G+8aaQArCSKMu4RPi7kinChISRiN1AQlpoOTFBWSZTWe7vs7gAAABIAEAAAAIgACEAgoMXckU4UJDu77O4QlpoOTFBWSZTWcBTv8MAAAQxgEAAQAAmARgQIAAiAabUIMmIBa2BxL8XckU4UJDAU7/D",
  "base64",
);

test("a bsdiff file is told of and applied, from a file and from standard input", async () => {
  writeFileSync(folder("old"), TEXTS[0]);
  writeFileSync(folder("delta"), BSDIFF40);
  const told = await runJson(["inspect", folder("delta")]);
  assert.deepEqual([told.format, told.version, told.targetBytes], ["bsdiff", "BSDIFF40", TEXTS[1].length]);
  for (const name of [folder("delta"), "-"]) {
    const applied = await runJson(["patch", folder("old"), name, "-f", "-o", folder("made")], BSDIFF40);
    assert.equal(applied.code, 0);
    assert.match(String(applied.warnings), /--target-sha256/u);
    assert.equal(readFileSync(folder("made"), "utf8"), TEXTS[1]);
  }
});

test("what the formats cannot do is a usage error", async () => {
  writePair();
  writeFileSync(folder("delta"), BSDIFF40);
  for (const argv of [
    ["delta", "--format", "bsdiff", folder("old"), folder("new"), "-o", folder("x")],
    ["delta", "--format", "vcdiff", "--codec", "lz", folder("old"), folder("new"), "-o", folder("x")],
    ["patch", "--in-place", folder("old"), folder("delta")],
    ["verify", folder("delta"), "--target-sha256", "0".repeat(64)],
    ["verify", folder("delta"), "--basis", folder("old"), "--target-sha256", "0"],
  ]) {
    assert.equal((await run(argv)).code, 2, argv.join(" "));
  }
});
