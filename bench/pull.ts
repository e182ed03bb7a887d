/**
 * What a device without deltas would download: the compressed layers of the new image that the old one does not have.
 *
 * Read here with a few lines of JSON and tar-stream, not with the code under test.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { extract } from "tar-stream";

/** Layers of an image: digest or file name, and compressed size. */
type LayerSizes = Map<string, number>;

/** Bytes of the layers of `newImage` that `oldImage` lacks; `undefined` when the layers are not compressed. */
export async function measurePullBytes(oldImage: string, newImage: string): Promise<number | undefined> {
  const [have, want] = [await readLayerSizes(oldImage), await readLayerSizes(newImage)];
  if (have === undefined || want === undefined) return undefined;
  let bytes = 0;
  for (const [name, size] of want) if (!have.has(name)) bytes += size;
  return bytes;
}

async function readLayerSizes(image: string): Promise<LayerSizes | undefined> {
  return (await stat(image)).isDirectory() ? readLayoutLayers(image) : readArchiveLayers(image);
}

async function readLayoutLayers(folder: string): Promise<LayerSizes | undefined> {
  const readJson = async (...path: string[]) => JSON.parse(await readFile(join(folder, ...path), "utf8"));
  const index = (await readJson("index.json")) as { manifests: { digest: string }[] };
  const manifest = (await readJson("blobs", ...index.manifests[0]!.digest.split(":"))) as {
    layers: { digest: string; size: number; mediaType: string }[];
  };
  if (!manifest.layers.every(({ mediaType }) => /[+.](gzip|zstd)$/u.test(mediaType))) return undefined;
  return new Map(manifest.layers.map(({ digest, size }) => [digest, size]));
}

async function readArchiveLayers(file: string): Promise<LayerSizes | undefined> {
  const sizes: LayerSizes = new Map();
  const compressed = new Set<string>();
  let manifest: { Layers: string[] }[] | undefined;
  const reader = createReadStream(file).pipe(extract());
  for await (const entry of reader) {
    const { name, size } = entry.header;
    sizes.set(name, size ?? 0);
    const chunks: Buffer[] = [];
    let first: Buffer | undefined;
    for await (const chunk of entry) {
      first ??= chunk as Buffer;
      if (name === "manifest.json") chunks.push(chunk as Buffer);
    }
    if (first?.[0] === 0x1f && first[1] === 0x8b) compressed.add(name);
    if (name === "manifest.json") manifest = JSON.parse(Buffer.concat(chunks).toString());
  }
  const layers = manifest?.[0]?.Layers;
  if (layers === undefined || !layers.every((name) => compressed.has(name))) return undefined;
  return new Map(layers.map((name) => [name, sizes.get(name) ?? 0]));
}
