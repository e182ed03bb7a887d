/** The fuzzer finds what is planted, and what it once found is not there any more. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CoverageWatcher } from "./coverage.ts";
import { fuzz, minimise, runInput } from "./fuzzer.ts";
import { Random } from "./random.ts";
import { attempt, demand, type FuzzTarget } from "./target.ts";
import { TARGETS } from "./targets/index.ts";

const coverage = new CoverageWatcher(new URL("./", import.meta.url).href);
const crashers = fileURLToPath(new URL("./crashers", import.meta.url));

/** Fails behind four decisions, each of which only coverage tells apart. */
const planted: FuzzTarget = {
  name: "planted",
  dictionary: ["f", "u", "z"].map((letter) => new TextEncoder().encode(letter)),
  seeds: async () => [new Uint8Array(8)],
  run: async (input) => {
    if (input[0] !== 0x66) return;
    if (input[1] !== 0x75) return;
    if (input[2] !== 0x7a) return;
    if (input[3] === 0x7a) throw new TypeError("found");
  },
};

describe("the fuzzer", () => {
  test("finds what only inputs that reached new code lead to", async () => {
    const { crashes } = await fuzz(planted, { random: new Random(1), coverage, maxExecutions: 20_000 });
    assert.deepEqual(
      crashes.map(({ error }) => error.message),
      ["found"],
    );
  });

  test("makes what it finds small", async () => {
    const input = new Uint8Array(500).fill(7);
    input.set([0x66, 0x75, 0x7a, 0x7a]);
    const error = (await runInput(planted, input))!;
    assert.deepEqual([...(await minimise(planted, { input, error }, 10_000))], [0x66, 0x75, 0x7a, 0x7a]);
  });

  test("lets errors by code pass, and no others", async () => {
    const { FormatError } = await import("../../src/errors.ts");
    const coded = new FormatError("TRUNCATED", "short");
    assert.deepEqual(await attempt(() => Promise.reject(coded)), { code: "TRUNCATED" });
    await assert.rejects(
      attempt(() => Promise.reject(new TypeError("oh"))),
      TypeError,
    );
    assert.throws(() => demand(false, "no"), /no/);
  });
});

for (const [name, load] of Object.entries(TARGETS)) {
  test(`${name}: its seeds and some that are made of them do nothing that they must not`, async () => {
    const { crashes } = await fuzz(await load(), { random: new Random(1), coverage, maxExecutions: 120 });
    assert.deepEqual(
      crashes.map(({ error }) => error.stack),
      [],
    );
  });

  const folder = join(crashers, name);
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    test(`${name}: what ${file} found is mended`, async () => {
      assert.equal(await runInput(await load(), new Uint8Array(readFileSync(join(folder, file)))), undefined);
    });
  }
}
