/** Layers: tar and PAX headers, the merge, and the flat layer that comes out. */
import { concatBytes, equalBytes, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { readEnvelope } from "../../../src/image/flat/envelope.ts";
import { flattenImage } from "../../../src/image/index.ts";
import { tarLayer } from "../../../src/image/layer.ts";
import { parseTar, readTarIndex, ScanCursor, scanTar, type TarEntry } from "../../../src/image/tar/index.ts";
import { memorySource, readRange, type Source } from "../../../src/io/index.ts";
import { file, folder, hardLink, type RawEntry, rawEntry, rawTar, symlink } from "../../image/tar-builder.ts";
import { inPieces } from "../../support/pairs.ts";
import type { Random } from "../random.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";
import { repairTar } from "./repair.ts";
import { imageOf } from "./small-images.ts";

const LIMITS = { maxExtendedHeaderBytes: 1 << 14, maxEntries: 500, maxPathBytes: 4096 };
/** A flat image of more is not read: holes are large at no cost. */
const MAX_FLAT_BYTES = 1 << 20;

/** What lies below the layer under test. */
const LOWER = rawTar([
  folder("bin/"),
  file("bin/sh", "shell"),
  symlink("link", "bin"),
  symlink("out", "../../../outside"),
  symlink("loop", "loop"),
  hardLink("hard", "bin/sh"),
  folder("deep/a/b/c/"),
]);

const NAMES = [
  "a",
  "bin",
  "bin/sh",
  "link/x",
  "out/x",
  "loop/x",
  "hard",
  "deep/a/b/c/d",
  ".wh.bin",
  "bin/.wh..wh..opq",
];
const EVIL = [
  "../x",
  "/etc/passwd",
  "a/../../x",
  "./",
  "",
  "a//b",
  "a/./b",
  "bin/",
  ".wh.",
  ".wh...",
  "\xff\xfe",
  "A",
  "x".repeat(300),
];
const TYPES = ["0", "1", "2", "3", "4", "5", "6", "7", "\0", "S", "x", "g", "L", "K", "V"];
const PAX_KEYS = [
  "path",
  "linkpath",
  "size",
  "mtime",
  "uid",
  "gid",
  "SCHILY.xattr.user.x",
  "SCHILY.xattr.security.capability",
];
const SPARSE_KEYS = ["major", "minor", "name", "realsize", "size", "map", "numblocks", "offset", "numbytes"];
const PAX_VALUES = ["", "0", "1", "-1", "1.5", "9007199254740993", "0,1", "0,5,10,2", "1\n0\n5\n", "a\0b"];

function randomName(random: Random): string {
  return random.pick(random.oneIn(3) ? EVIL : NAMES);
}

function randomPax(random: Random): Record<string, string> {
  const keys = [...PAX_KEYS, ...SPARSE_KEYS.map((key) => `GNU.sparse.${key}`)];
  const records: Record<string, string> = {};
  for (let left = 1 + random.below(4); left > 0; left--) {
    records[random.pick(keys)] = random.pick([...PAX_VALUES, randomName(random), String(random.edge(512))]);
  }
  return records;
}

function randomEntry(random: Random): Uint8Array {
  const type = random.pick(TYPES);
  const content = random.oneIn(2) ? "" : Buffer.from(random.bytes(random.length(1200))).toString("latin1");
  const entry: RawEntry = {
    type,
    name: randomName(random).slice(0, 100),
    linkName: randomName(random).slice(0, 100),
    content: "xLK".includes(type) ? `${randomName(random)}\0` : content,
    sizeBytes: random.oneIn(8) ? Math.abs(random.edge(512)) % 8 ** 11 : content.length,
  };
  if (random.oneIn(3)) entry.pax = randomPax(random);
  if (random.oneIn(4)) {
    const [at, value] = [
      random.pick([100, 108, 116, 124, 136, 329, 337, 345, 386, 482, 483]),
      random.bytes(12),
    ];
    entry.edit = (block) => block.set(value.subarray(0, random.pick([1, 8, 12])), at);
  }
  return rawEntry(entry);
}

/** Entries of an archive as they stand, extended headers included. */
async function cutEntries(input: Uint8Array): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const { headerOffset, contentOffset, contentBytes } of readTarIndex(memorySource(input), LIMITS))
    parts.push(input.subarray(headerOffset, contentOffset + 512 * Math.ceil(contentBytes / 512)));
  return parts;
}

async function mutateTar(input: Uint8Array, random: Random): Promise<Uint8Array | undefined> {
  const found = await attempt(() => cutEntries(input));
  if ("code" in found) return undefined;
  const parts = found.value;
  for (let left = 1 + random.length(3); left > 0; left--) {
    const at = random.below(parts.length + 1);
    const kind = random.below(4);
    if (kind === 0 && parts.length > 0) parts.splice(at, 1);
    else if (kind === 1 && parts.length > 0) parts.splice(at, 0, random.pick(parts));
    else parts.splice(at, 0, randomEntry(random));
  }
  return concatBytes([...parts, new Uint8Array(1024)]);
}

async function describeEntries(entries: AsyncIterable<TarEntry>): Promise<string> {
  const lines: string[] = [];
  for await (const { header, headerOffset, contentOffset, contentBytes } of entries) {
    const { xattrs, ...rest } = header;
    const values = [...xattrs].map(([name, value]) => `${name}=${toHex(value)}`);
    lines.push(JSON.stringify([rest, values, headerOffset, contentOffset, contentBytes]));
  }
  return lines.join("\n");
}

/** What must hold for every entry of a flat layer. */
function demandSafe({ header: { name, type, linkName } }: TarEntry, seen: Set<string>): void {
  if (name !== "./") {
    const path = type === "directory" ? name.replace(/\/$/, "") : name;
    const components = path.split("/");
    demand(!components.some((part) => part === "" || part === "." || part === ".."), `unsafe path ${name}`);
    demand(!components.some((part) => part.startsWith(".wh.")), `whiteout in a flat layer: ${name}`);
    demand(!name.includes("\0"), `NUL in a name: ${name}`);
    demand(!seen.has(path), `the same path twice: ${path}`);
    seen.add(path);
    if (type === "hardlink") demand(seen.has(linkName), `a hard link to what is not there: ${linkName}`);
  }
}

async function flatten(layers: readonly Uint8Array[]): Promise<{ source: Source; config: Uint8Array }> {
  return flattenImage(imageOf(layers), { maxEntries: 2000, maxDepth: 64 });
}

/** The only layer of a flat image. */
async function layerOfFlat(flat: Uint8Array): Promise<Uint8Array> {
  const { layer, layerOffset } = await readEnvelope(memorySource(flat));
  return flat.subarray(layerOffset, layerOffset + layer.sizeBytes);
}

/** The parser of layers, and the merge. */
export const tarTarget: FuzzTarget = {
  name: "tar",
  dictionary: [
    ...PAX_KEYS,
    ...SPARSE_KEYS.map((key) => `GNU.sparse.${key}`),
    ...EVIL,
    "ustar\x0000",
    "ustar  \0",
    "././@LongLink",
  ].map((text) => new Uint8Array(Buffer.from(text, "latin1"))),
  seeds: async () => [
    rawTar([file("a", "content"), folder("b/"), symlink("c", "a"), hardLink("d", "a")]),
    rawTar([
      file("x", "y".repeat(700), { pax: { path: "long/name", mtime: "1.5", "SCHILY.xattr.user.x": "v" } }),
    ]),
    rawTar([file(".wh.bin"), folder("deep/"), file("deep/.wh..wh..opq"), file("link/new", "n")]),
    rawTar([
      file("s", "0,1", {
        pax: {
          "GNU.sparse.major": "0",
          "GNU.sparse.minor": "1",
          "GNU.sparse.map": "5,3",
          "GNU.sparse.size": "20",
        },
      }),
    ]),
    rawTar([
      file("s1", `1\n5\n3\n${"\0".repeat(506)}abc`, {
        pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "20" },
      }),
    ]),
  ],
  mutate: mutateTar,
  repair: repairTar,
  run: async (input) => {
    const source = memorySource(input);
    const indexed = await attempt(() => describeEntries(readTarIndex(source, LIMITS)));
    const scanned = await attempt(() => describeEntries(scanTar(source, LIMITS)));
    const cursor = new ScanCursor(inPieces(input, 1 + (input.length % 700)), input.length);
    const pieces = await attempt(() => describeEntries(parseTar(cursor, LIMITS)));
    const told = (outcome: typeof indexed): string => describeOutcome(outcome, (text) => text);
    demandSame(told(scanned), told(indexed), "scanned");
    demandSame(told(pieces), told(indexed), "in pieces");
    const image = await attempt(() => flatten([LOWER, input]));
    if ("code" in image || image.value.source.size > MAX_FLAT_BYTES) return;
    const flat = await readRange(image.value.source, 0, image.value.source.size);
    const layer = await layerOfFlat(flat);
    const seen = new Set<string>();
    for await (const entry of readTarIndex(memorySource(layer))) demandSafe(entry, seen);
    const again = await flattenImage({
      ...imageOf([]),
      config: image.value.config,
      layers: [tarLayer(memorySource(layer))],
    });
    const twice = await readRange(again.source, 0, again.source.size);
    demand(equalBytes(twice, flat), `flattened again it is another image: ${toHex(sha256(twice))}`);
  },
};
