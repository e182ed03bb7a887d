/** The page of limits says what the code holds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DEFAULT_DELTA_LIMITS } from "../src/delta/index.ts";
import { DEFAULT_FLAT_LIMITS } from "../src/image/flat/layer.ts";
import { fillLimits } from "../src/image/limits.ts";
import { DEFAULT_TAR_LIMITS } from "../src/image/tar/index.ts";
import { DEFAULT_MERGE_LIMITS } from "../src/image/tree.ts";
import {
  DEFAULT_BSDIFF_LIMITS,
  DEFAULT_RDIFF_SIGNATURE_LIMITS,
  DEFAULT_TARGET_LIMITS,
  DEFAULT_VCDIFF_LIMITS,
} from "../src/interop/index.ts";
import { fillServiceLimits } from "../src/serve/options.ts";
import { DEFAULT_SIGNATURE_LIMITS } from "../src/signature/index.ts";

type Defaults = Readonly<Record<string, number>>;

/** Each table of the page, in order. */
function readTables(): Defaults[] {
  const tables: Record<string, number>[] = [];
  for (const line of readFileSync(new URL("../docs/LIMITS.md", import.meta.url), "utf8").split("\n")) {
    if (line.startsWith("| limit |")) tables.push({});
    const row = /^\| `(\w+)` \| (?:2\^)?(\d+) \| \S.*\|$/.exec(line);
    if (row !== null) tables.at(-1)![row[1]!] = line.includes("| 2^") ? 2 ** Number(row[2]) : Number(row[2]);
  }
  return tables;
}

const [delta, signature, image, flatten, rdiffDelta, rdiffSignature, vcdiff, bsdiff, service] = readTables();

test("the defaults on the page of limits are those of the code, none left out", () => {
  assert.deepEqual(delta, DEFAULT_DELTA_LIMITS);
  assert.deepEqual(signature, DEFAULT_SIGNATURE_LIMITS);
  const { maxEntries, maxExtendedHeaderBytes, maxNameBytes, maxPathBytes, ...read } = fillLimits();
  const tarLimits = [maxEntries, maxExtendedHeaderBytes, maxNameBytes, maxPathBytes];
  assert.deepEqual(tarLimits, [undefined, undefined, undefined, undefined]);
  assert.deepEqual(image, { ...read, ...DEFAULT_TAR_LIMITS });
  assert.deepEqual(flatten, { ...DEFAULT_MERGE_LIMITS, ...DEFAULT_FLAT_LIMITS });
  assert.deepEqual(rdiffDelta, DEFAULT_TARGET_LIMITS);
  assert.deepEqual(rdiffSignature, DEFAULT_RDIFF_SIGNATURE_LIMITS);
  assert.deepEqual(vcdiff, DEFAULT_VCDIFF_LIMITS);
  assert.deepEqual(bsdiff, DEFAULT_BSDIFF_LIMITS);
});

test("the service's limits on the page are those of the code", () => {
  const limits: Defaults = fillServiceLimits();
  assert.deepEqual(service, Object.fromEntries(Object.keys(service!).map((name) => [name, limits[name]])));
});
