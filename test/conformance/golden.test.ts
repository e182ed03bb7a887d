/** Today's reader reads every golden file as it was read when it was made, and refuses what it refused. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { getCodec } from "../../src/codec/index.ts";
import { DeltaReader, inspectDelta, OpKind, WindowDecoder } from "../../src/delta/index.ts";
import { BasisFiles } from "./basis-files.ts";
import { GOLDEN_SET } from "./cases/index.ts";
import {
  addGoldenFiles,
  GOLDEN_FOLDER,
  type GoldenEntry,
  hexSha256,
  isLarge,
  readManifest,
} from "./golden.ts";
import { codeOf, GOLDEN_LIMITS, readGolden, readWith } from "./read-golden.ts";

const manifest = await readManifest();
const bases = await BasisFiles.open(manifest);
after(() => bases.close());

const hasZstd = await codeOf((async () => getCodec("zstd"))()).then((code) => code === undefined);
// The files over 2^32 bytes take seconds each.
const takesLarge = process.env.FLATDELTA_CONFORMANCE === "all";

/** Whether the delta's header names codec zstd, which older versions of Node lack. */
async function needsZstd(file: Uint8Array): Promise<boolean> {
  const { header } = await DeltaReader.open(file, { limits: GOLDEN_LIMITS });
  return header.streams.some((stream) => stream.codecId === 3);
}

const isValid = ({ code }: GoldenEntry): boolean => code === undefined;
const isDelta = ({ path }: GoldenEntry): boolean => path.endsWith(".delta");

describe("valid golden files", () => {
  for (const entry of manifest.files.filter(isValid)) {
    test(`${entry.path}: ${entry.says}`, async () => {
      const file = await readGolden(entry);
      if (isDelta(entry) && !hasZstd && (await needsZstd(file))) {
        return assert.rejects(inspectDelta(file), { code: "UNSUPPORTED_CODEC" });
      }
      if (isLarge(entry, manifest) && !takesLarge) {
        return void (await inspectDelta(file, { limits: GOLDEN_LIMITS }));
      }
      const read = await readWith(entry, await bases.pathOf(entry.basis), file);
      if (isDelta(entry)) assert.deepEqual(read, entry.target);
    });
  }
});

describe("invalid golden files", () => {
  for (const entry of manifest.files.filter((each) => !isValid(each))) {
    test(`${entry.path}: ${entry.says}`, async () => {
      const file = await readGolden(entry);
      const code = await codeOf(readWith(entry, await bases.pathOf(entry.basis), file));
      const lacksZstd = entry.path.includes("zstd") && !hasZstd;
      assert.equal(code, lacksZstd ? "UNSUPPORTED_CODEC" : entry.code);
    });
  }
});

test("golden files are those that the manifest names, to the last bit", async () => {
  const stored = Object.values(manifest.bases).flatMap((basis) => ("path" in basis ? [basis] : []));
  for (const { path, sha256 } of [...stored, ...manifest.files]) {
    assert.equal(hexSha256(await readFile(join(GOLDEN_FOLDER, path))), sha256, path);
  }
});

test("every golden file that is described is there", () => {
  const described = GOLDEN_SET.cases.map(
    ({ name, code }) => `${code === undefined ? "valid" : "invalid"}/${name}`,
  );
  assert.deepEqual(manifest.files.map(({ path }) => path).sort(), described.sort());
  assert.deepEqual(
    Object.keys(manifest.bases).sort(),
    Object.keys({ ...GOLDEN_SET.fileBases, ...GOLDEN_SET.sparseBases }).sort(),
  );
});

test("golden files are never written again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flatdelta-golden-"));
  try {
    const make = async () => ({ file: Uint8Array.of(1) });
    const set = {
      fileBases: {},
      sparseBases: {},
      cases: [{ name: "a.sig", says: "", basis: "empty", make }],
    };
    assert.deepEqual(await addGoldenFiles(folder, set), ["valid/a.sig"]);
    const again = set.cases.map((each) => ({ ...each, make: async () => ({ file: Uint8Array.of(2) }) }));
    assert.deepEqual(await addGoldenFiles(folder, { ...set, cases: again }), []);
    await writeFile(join(folder, "valid/b.sig"), "here before");
    const unknown = { ...set, cases: [{ ...set.cases[0]!, name: "b.sig" }] };
    await assert.rejects(addGoldenFiles(folder, unknown), { code: "EEXIST" });
    assert.deepEqual(await readFile(join(folder, "valid/a.sig")), Buffer.of(1));
    assert.equal(await readFile(join(folder, "valid/b.sig"), "utf8"), "here before");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the valid deltas have every op, flag, codec, extension and target form", async () => {
  const found = new Set<string>();
  for (const entry of manifest.files.filter((each) => isValid(each) && isDelta(each))) {
    const file = await readGolden(entry);
    const reader = await DeltaReader.open(file, { limits: GOLDEN_LIMITS });
    const { header } = reader;
    found.add(`form ${header.targetForm}`);
    if (header.envelope) found.add("envelope");
    if (header.primer && header.primer.length > 0) found.add("primer");
    if (header.inPlace) found.add("in place");
    if (header.tree) found.add("tree");
    if (Object.keys(header.metadata).length > 0) found.add("metadata");
    for (const { stream, codecId } of header.streams) found.add(`stream ${stream}, codec ${codecId}`);
    if (!hasZstd && (await needsZstd(file))) continue;
    const decoder = new WindowDecoder(header);
    for await (const coded of reader.windows()) {
      const ops = decoder.ops(await decoder.open(coded));
      while (ops.next()) {
        found.add(`op ${ops.kind}`);
        if (ops.kind !== OpKind.HEADER) continue;
        for (const { text } of ops.header!.splices) found.add(`splice ${text}`);
        if (ops.header!.sizeDelta !== 0) found.add("size");
        if (ops.header!.time !== undefined) found.add("named time");
      }
    }
    decoder.close();
  }
  const expected = [
    ...["form 0", "form 1", "envelope", "primer", "in place", "tree", "metadata", "size", "named time"],
    ...[0, 1, 2, 3, 4, 5].map((kind) => `op ${kind}`),
    ...[0, 1, 2].map((text) => `splice ${text}`),
    ...[0, 1, 2].flatMap((stream) =>
      [0, 1, 2, 3, 5, 7, 8].map((codec) => `stream ${stream}, codec ${codec}`),
    ),
    ...["stream 0, codec 6", "stream 2, codec 4"],
  ];
  assert.deepEqual([...found].sort(), expected.sort());
});
