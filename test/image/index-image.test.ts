/** The pass in WASM over a flat image finds what the tar reader finds, whatever headers there are. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concatBytes, EMPTY_BYTES } from "../../src/bytes/index.ts";
import { hashWholeSource, type SourceIndex } from "../../src/encode/index.ts";
import { errorCodeOf } from "../../src/errors.ts";
import { loadHash64, sha256 } from "../../src/hash/index.ts";
import { ENVELOPE_ROLES, type Envelope } from "../../src/image/flat/envelope.ts";
import { indexFlatImage } from "../../src/image/flat/index-image.ts";
import { scanFlatImage } from "../../src/image/flat/scan.ts";
import { encodeBinary } from "../../src/image/tar/index.ts";
import { memorySource, type Source } from "../../src/io/index.ts";
import { makeBytes } from "../support/pairs.ts";
import { file, folder, hardLink, type RawEntry, rawEntry, rawTar, symlink } from "./tar-builder.ts";

const END = new Uint8Array(1024);

/** What of a flat image says that it is but its layer. */
const envelopeOf = (tar: Uint8Array, entryCount: number): Envelope => ({
  config: EMPTY_BYTES,
  layer: { digest: `sha256:${"0".repeat(64)}`, sizeBytes: tar.length, entryCount },
  layerOffset: 0,
  entries: ENVELOPE_ROLES.map((name) => ({ name, headerOffset: 0, contentOffset: 0, contentBytes: 0 })),
});

type Outcome = Omit<SourceIndex, "hashes"> | string;

async function outcomeOf(made: Promise<SourceIndex>): Promise<Outcome> {
  try {
    const { hashes: _, ...rest } = await made;
    return rest;
  } catch (error) {
    return errorCodeOf(error);
  }
}

/** Index a tar both ways; returns whether the pass alone sufficed. */
async function checkTar(tar: Uint8Array, entryCount: number): Promise<boolean> {
  const source = memorySource(tar);
  const envelope = envelopeOf(tar, entryCount);
  const expected = await outcomeOf(scanFlatImage(source, envelope).then(({ index }) => index));
  assert.deepEqual(await outcomeOf(indexFlatImage(source, envelope)), expected);
  const pass = await hashWholeSource(source, { tar: { offset: 0, length: tar.length } });
  return pass.tar !== undefined;
}

const set = (at: number, text: string) => (block: Uint8Array) => block.set(encodeBinary(text), at);

const PLAIN: readonly RawEntry[] = [
  folder("./"),
  folder("bin/"),
  file("bin/empty"),
  ...[1, 31, 32, 33, 63, 64, 511, 512, 513].map((length) => file(`bin/${length}`, makeBytes(length, length))),
  file("bin/large", makeBytes(700_001, 1)),
  file("bin/larger", makeBytes(1 << 20, 2)),
  { ...file("n".repeat(100), "x"), prefix: "p".repeat(155) },
  { ...file("name", "x"), prefix: "prefix" },
  { type: "0", name: "odd/", content: "x" },
  symlink("link", "bin/app"),
  hardLink("again", "bin/1"),
  { type: "3", name: "dev/null", deviceMajor: 1, deviceMinor: 3 },
  { type: "6", name: "pipe", mtimeSeconds: 8 ** 11 - 1 },
];

const UNUSUAL: readonly RawEntry[] = [
  file("pax", "x", { pax: { mtime: "1.5", "SCHILY.xattr.user.a": "b" } }),
  file("short", "x", { pax: { path: `${"long/".repeat(100)}name` } }),
  symlink("deep", "x".repeat(100)),
  { ...symlink("deeper", "x"), pax: { linkpath: "y".repeat(300) } },
  file("mode", "x", { edit: set(100, "   644 \0") }),
  { ...folder("sized/"), sizeBytes: 5 },
  file("star", "x", { edit: set(508, "tar\0") }),
  file("gnu", "x", { edit: set(257, "ustar  \0") }),
  { type: "7", name: "contiguous", content: "x" },
  { type: "\0", name: "old/" },
  file("bigger", "x".repeat(600), { pax: { size: "600" } }),
];

const STRANGE: readonly RawEntry[] = [
  { type: "Z", name: "unknown" },
  file("smaller", "x".repeat(600), { pax: { size: "500" } }),
  file("octal", "x", { edit: set(100, "99999999") }),
  file("base 256", "x", { edit: set(124, `\x80${"\0".repeat(10)}\x01`) }),
  file("xattrs", "x", { pax: { "SCHILY.xattr.user.a": "b".repeat(20_000) } }),
];

describe("the index of a flat image", () => {
  test("is what a tar reader finds, entry by entry", async () => {
    for (const entry of [...PLAIN, ...UNUSUAL])
      assert.ok(await checkTar(rawTar([file("a", "b"), entry, file("c", "d")]), 3), entry.name);
    for (const entry of STRANGE) await checkTar(rawTar([file("a", "b"), entry, file("c", "d")]), 3);
    const all = [...PLAIN, ...UNUSUAL];
    assert.ok(await checkTar(rawTar(all), all.length));
    assert.ok(await checkTar(rawTar([]), 0));
  });

  test("is that of any entries in any order, by the thousand too", async () => {
    const entry = fc.constantFrom(...PLAIN.filter(({ content = "" }) => content.length < 1000), ...UNUSUAL);
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 40 }), fc.nat(40), async (entries, repeats) => {
        const all = Array.from({ length: repeats + 1 }, () => entries).flat();
        assert.ok(await checkTar(rawTar(all), all.length));
      }),
      { numRuns: 20 },
    );
  });

  test("fails as the tar reader does where bytes are damaged, missing, or more than announced", async () => {
    const tar = rawTar([file("a", "b".repeat(600)), ...UNUSUAL.slice(0, 4), symlink("link", "bin/app")]);
    await fc.assert(
      fc.asyncProperty(fc.nat(tar.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = tar.slice();
        damaged[at]! ^= change;
        await checkTar(damaged, 6);
      }),
      { numRuns: 100 },
    );
    for (let length = 0; length < tar.length; length += 256) await checkTar(tar.slice(0, length), 6);
    await checkTar(tar, 5);
    await checkTar(concatBytes([rawEntry(file("a")), END.subarray(0, 512), rawEntry(file("b"))]), 1);
  });

  test("comes with the hashes of all bytes, whatever a source can do", async () => {
    const bytes = makeBytes(1_000_001, 1);
    const { hash } = await loadHash64();
    const { readSync: _, ...waiting }: Source = memorySource(bytes);
    for (const source of [memorySource(bytes), waiting]) {
      const found = await hashWholeSource(source, {});
      assert.deepEqual(found, { sha256: sha256(bytes), xxh64: hash(bytes), tar: undefined });
    }
    const aborted = AbortSignal.abort(new Error("enough"));
    for (const source of [memorySource(bytes), waiting])
      await assert.rejects(hashWholeSource(source, {}, { signal: aborted }), /enough/);
  });
});
