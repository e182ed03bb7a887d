/** Docker-archives and OCI layouts: their manifests, indexes and configs. */
import { gzipSync } from "node:zlib";
import { equalBytes, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { flattenImage, type Image, readDockerArchive, readOciArchive } from "../../../src/image/index.ts";
import { readImageStream } from "../../../src/image/node.ts";
import { readTarIndex } from "../../../src/image/tar/index.ts";
import { memoryScratch, memorySource, readRange } from "../../../src/io/index.ts";
import {
  buildLayers,
  buildNewDockerArchive,
  buildOldDockerArchive,
  LayoutBuilder,
  named,
} from "../../image/build-image.ts";
import { file, rawTar } from "../../image/tar-builder.ts";
import { inPieces } from "../../support/pairs.ts";
import type { Random } from "../random.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";
import { repairTar } from "./repair.ts";

const OPTIONS = {
  platform: { os: "linux", architecture: "amd64" },
  scratch: memoryScratch,
  limits: { jsonBytes: 1 << 14, layers: 10, decompressedBytes: 1 << 20, archiveMembers: 100, manifests: 20 },
};

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  "",
  "..",
  "../../x",
  "sha256:",
  [],
  {},
  [[]],
  [{}],
  "__proto__",
];

/** A JSON value with one place in it changed. */
function changeJson(value: unknown, random: Random): unknown {
  const isLeaf = typeof value !== "object" || value === null;
  if (isLeaf || random.oneIn(6)) {
    if (typeof value === "string" && random.oneIn(2)) return value.slice(random.below(value.length + 1));
    if (typeof value === "number" && random.oneIn(2)) return random.edge(value);
    return random.pick(VALUES);
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return random.pick(VALUES);
  const at = random.below(entries.length);
  const [key, inner] = entries[at]!;
  const kind = random.below(6);
  if (kind === 0) entries.splice(at, 1);
  else if (kind === 1) entries.splice(at, 0, [`${key}2`, inner], [key, inner]);
  else entries[at] = [key, changeJson(inner, random)];
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

/** Members of an archive by name. */
async function readMembers(input: Uint8Array): Promise<Map<string, Uint8Array>> {
  const members = new Map<string, Uint8Array>();
  for await (const { header, contentOffset, contentBytes } of readTarIndex(memorySource(input)))
    if (header.type === "file")
      members.set(header.name, input.slice(contentOffset, contentOffset + contentBytes));
  return members;
}

function parseDocument(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("latin1"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Put another content in a member's place, and its digest wherever the old one's stands, up to the index. */
function replaceMember(members: Map<string, Uint8Array>, name: string, content: Uint8Array): void {
  const before = members.get(name)!;
  members.set(name, content);
  const [from, to] = [before, content].map((bytes) => toHex(sha256(bytes))) as [string, string];
  if (name.includes(from)) {
    members.delete(name);
    members.set(name.replace(from, to), content);
  }
  for (const [other, bytes] of [...members]) {
    const text = Buffer.from(bytes).toString("latin1");
    if (bytes === content || !text.includes(from)) continue;
    // Sizes stand beside digests.
    const changed = text
      .replaceAll(from, to)
      .replaceAll(`${to}","size":${before.length}`, `${to}","size":${content.length}`);
    replaceMember(members, other, new Uint8Array(Buffer.from(changed, "latin1")));
  }
}

async function mutateImage(input: Uint8Array, random: Random): Promise<Uint8Array | undefined> {
  const found = await attempt(() => readMembers(input));
  if ("code" in found || found.value.size === 0) return undefined;
  const members = found.value;
  for (let left = 1 + random.length(2); left > 0; left--) {
    const [name, bytes] = random.pick([...members]);
    const document = parseDocument(bytes);
    if (document === undefined) {
      if (random.oneIn(3)) members.delete(name);
      continue;
    }
    const changed = JSON.stringify(changeJson(document, random));
    if (changed !== undefined) replaceMember(members, name, new TextEncoder().encode(changed));
    if (members.size > 50) return undefined;
  }
  return rawTar([...members].map(([name, content]) => file(name.slice(0, 100), content)));
}

async function flattenAndClose(opening: Promise<Image>): Promise<Uint8Array> {
  const image = await opening;
  try {
    const { source } = await flattenImage(image, { maxEntries: 2000, maxDepth: 64 });
    return await readRange(source, 0, source.size, 1 << 24);
  } finally {
    await image.close();
  }
}

async function seeds(): Promise<Uint8Array[]> {
  const layers = await buildLayers();
  const layout = new LayoutBuilder();
  const inner = layout.addManifest(layers, { platform: { os: "linux", architecture: "amd64" } });
  const other = layout.addManifest(layers.slice(0, 1), {
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  });
  layout.finish([layout.addIndex([inner, other], named("app:1"))]);
  const gzip = new LayoutBuilder();
  gzip.finish([
    gzip.addManifest(layers, {}, { stored: layers.map((layer) => new Uint8Array(gzipSync(layer))) }),
  ]);
  return [
    await buildOldDockerArchive(layers),
    await buildNewDockerArchive(layers),
    await buildNewDockerArchive(layers.slice(0, 1), true),
    await layout.tar(),
    await gzip.tar(),
  ];
}

/** The readers of image archives. */
export const imageTarget: FuzzTarget = {
  name: "image",
  dictionary: [
    "manifest.json",
    "index.json",
    "oci-layout",
    '"Layers":[',
    '"digest":"sha256:',
    '"size":',
    "{",
    "[",
    '"',
  ].map((text) => new TextEncoder().encode(text)),
  seeds,
  mutate: mutateImage,
  repair: repairTar,
  run: async (input) => {
    const told = (flat: Uint8Array): string => toHex(sha256(flat));
    const source = memorySource(input);
    for (const [transport, read] of [
      ["docker-archive", readDockerArchive],
      ["oci-archive", readOciArchive],
    ] as const) {
      const whole = await attempt(() => flattenAndClose(read(source, OPTIONS)));
      const pieces = inPieces(input, 1 + (input.length % 5000));
      const streamed = await attempt(() =>
        flattenAndClose(readImageStream(pieces, { ...OPTIONS, transport })),
      );
      const codes = [whole, streamed].map((outcome) => describeOutcome(outcome, told));
      // A stream may refuse what a file can be read for, by a code of its own; it must never read another image.
      if (!("code" in streamed)) demandSame(codes[1]!, codes[0]!, `${transport} from a stream`);
      if ("code" in whole || "code" in streamed) continue;
      demand(equalBytes(whole.value, streamed.value), `${transport}: two images`);
    }
  },
};
