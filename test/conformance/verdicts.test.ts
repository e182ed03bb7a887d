/** Both readers give the same verdict on deltas of which some bytes are others, but all checksums fit. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { ByteReader, concatBytes } from "../../src/bytes/index.ts";
import { shortenChecksum } from "../../src/delta/index.ts";
import { loadHash64 } from "../../src/hash/index.ts";
import { BasisFiles } from "./basis-files.ts";
import { fields } from "./cases/delta-builder.ts";
import { type GoldenEntry, readManifest } from "./golden.ts";
import { codeOf, readGolden, readWith } from "./read-golden.ts";
import { SecondReader } from "./second-reader.ts";

const runs = Number(process.env.FLATDELTA_VERDICTS ?? 200);

/** Sizes, digests and the checksum of the basis. With another digest any delta is refused: changes begin behind them. */
const SIZES_AND_DIGESTS = 74;

/** Small ones with no slow codec, and among them every extension that is read. */
const NAMES = [
  ...[
    "all-extensions",
    "extensions-unknown",
    "header-full-fields",
    "image-none",
    "in-place",
    "in-place-bounds",
    "tree",
    "tree-bounds",
  ],
  ...["metadata", "no-data-stream", "one-stream", "ops-none", "window-sizes-stated", "windows-one-more"],
];

const started = SecondReader.start();
const skip = typeof started === "string" && started;
const reader = started as SecondReader;
const manifest = await readManifest();
const bases = await BasisFiles.open(manifest);
after(async () => {
  if (skip === false) await reader.close();
  await bases.close();
});

const { hash } = await loadHash64();
const checksumOf = (bytes: Uint8Array): Uint8Array => fields((out) => out.u32(shortenChecksum(hash(bytes))));

/** Where the header lies: behind magic, version and its length. */
function headerRange(file: Uint8Array): [from: number, to: number] {
  const length = new ByteReader(file.subarray(9), { what: "delta" });
  const bytes = length.varint();
  return [9 + length.position, 9 + length.position + bytes];
}

/** The same with both checksums made to fit. */
function withChecksums(file: Uint8Array): Uint8Array {
  const [, end] = headerRange(file);
  const header = file.subarray(0, end);
  const body = concatBytes([header, checksumOf(header), file.subarray(end + 4, -4)]);
  return concatBytes([body, checksumOf(body)]);
}

/** Changes one to three bytes of the header, or of the hundred behind it, which are windows and their ops. */
const damageArbitrary = fc.record({
  name: fc.constantFrom(...NAMES),
  inHeader: fc.boolean(),
  changes: fc.array(fc.record({ at: fc.nat(), value: fc.oneof(fc.nat(255), fc.nat(8), fc.constant(0x80)) }), {
    minLength: 1,
    maxLength: 3,
  }),
});

test("both readers give the same verdict on changed deltas", { skip }, async () => {
  const entries = new Map<string, { entry: GoldenEntry; file: Uint8Array }>();
  for (const name of NAMES) {
    const entry = manifest.files.find(({ path }) => path === `valid/${name}.delta`)!;
    entries.set(name, { entry, file: await readGolden(entry) });
  }
  const [changedPath, madePath] = [join(bases.folder, "changed"), join(bases.folder, "made")];
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(damageArbitrary, async ({ name, inHeader, changes }) => {
      const { entry, file } = entries.get(name)!;
      const [from, to] = headerRange(file);
      const [start, end] = inHeader
        ? [from + SIZES_AND_DIGESTS, to]
        : [to + 4, Math.min(file.length - 4, to + 104)];
      const changed = file.slice();
      for (const { at, value } of changes) changed[start + (at % (end - start))] = value;
      const forged = withChecksums(changed);
      const basis = await bases.pathOf(entry.basis);
      const code = await codeOf(readWith(entry, basis, forged));
      // Limits are each reader's own, and a runtime may lack a codec.
      if (code?.endsWith("_LIMIT") || code === "UNSUPPORTED_CODEC") return;
      await writeFile(changedPath, forged);
      const { refused } = await reader.apply(basis, changedPath, madePath);
      assert.equal(refused === undefined, code === undefined, `ours: ${code}, the other: ${refused}`);
      if (code === undefined) taken++;
    }),
    { numRuns: runs, seed: 1, endOnFailure: true },
  );
  assert.ok(taken > runs / 50, `expected some to be taken, found ${taken} of ${runs}`);
});
