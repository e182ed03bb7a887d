/** Three small images of one app, as flat images, as images to pull, and the deltas between them. */
import { createHash } from "node:crypto";
import { createDelta } from "../../src/encode/index.ts";
import { flattenImage, openFlatImage, readDockerArchive } from "../../src/image/index.ts";
import { memorySink, memorySource, readRange } from "../../src/io/index.ts";
import type { DeltaOffer } from "../../src/update/index.ts";
import { buildOldDockerArchive, buildTar } from "../image/build-image.ts";
import { makeBytes } from "../support/pairs.ts";

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** One version of the app. */
export interface TestImage {
  /** The same image as layers, and in an archive. */
  layers: Uint8Array[];
  archive: Uint8Array;
  flat: Uint8Array;
  digest: string;
}

/** An app of a large file that changes a little, and one that moves. */
export async function makeImage(version: number): Promise<TestImage> {
  const data = makeBytes(400_000, 1);
  data.set(makeBytes(60_000, 100 + version), (50_000 * version) % 340_000);
  const layers = [
    await buildTar([
      ["app", "", { type: "directory", mode: 0o755 }],
      ["app/data", data],
      ["app/version", `version ${version}\n`],
      [`app/lib-${version}`, makeBytes(50_000, 7)],
    ]),
  ];
  const archive = await buildOldDockerArchive(layers);
  const image = await readDockerArchive(memorySource(archive));
  const { source } = await flattenImage(image);
  const flat = await readRange(source, 0, source.size);
  return { layers, archive, flat, digest: digestOf(flat) };
}

/** A delta between two of them: in small steps, so that an update in place has many. */
export async function makeTestDelta(
  basis: TestImage,
  target: TestImage,
  inPlace: false | object = { stepBytes: 65_536, blockBytes: 4096 },
): Promise<Uint8Array> {
  const sink = memorySink();
  const [from, to] = [
    await openFlatImage(memorySource(basis.flat)),
    await openFlatImage(memorySource(target.flat)),
  ];
  await createDelta(from, to, sink, { level: 1, inPlace });
  return sink.bytes();
}

/** How a source offers a delta. */
export function offerOf(
  basis: TestImage,
  target: TestImage,
  delta: Uint8Array,
  location = "delta",
): DeltaOffer {
  return {
    basisDigest: basis.digest,
    targetDigest: target.digest,
    deltaDigest: digestOf(delta),
    deltaBytes: delta.length,
    location,
  };
}
