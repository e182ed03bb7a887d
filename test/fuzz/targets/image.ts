/** Docker-archives and OCI layouts: their manifests, indexes and configs. */
import { gzipSync } from "node:zlib";
import { encodeUtf8, equalBytes, toHex } from "../../../src/bytes/index.ts";
import { sha256 } from "../../../src/hash/index.ts";
import { flattenImage, type Image, readDockerArchive, readOciArchive } from "../../../src/image/index.ts";
import { readImageStream } from "../../../src/image/node.ts";
import { memoryScratch, memorySource, readRange } from "../../../src/io/index.ts";
import {
  buildLayers,
  buildNewDockerArchive,
  buildOldDockerArchive,
  LayoutBuilder,
  named,
} from "../../image/build-image.ts";
import { inPieces } from "../../support/pairs.ts";
import { attempt, demand, demandSame, describeOutcome, type FuzzTarget } from "../target.ts";
import { mutateDocuments } from "./documents.ts";
import { repairTar } from "./repair.ts";

const OPTIONS = {
  platform: { os: "linux", architecture: "amd64" },
  scratch: memoryScratch,
  limits: { jsonBytes: 1 << 14, layers: 10, decompressedBytes: 1 << 20, archiveMembers: 100, manifests: 20 },
};

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
  ].map(encodeUtf8),
  seeds,
  mutate: mutateDocuments,
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
