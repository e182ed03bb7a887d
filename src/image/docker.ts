import { ErrorCode, ImageError } from "../errors.ts";
import { createMemoryScratch, type Source } from "../io/index.ts";
import { type BlobStore, type OpenArchiveOptions, openArchive } from "./archive.ts";
import { parseImageConfig } from "./config.ts";
import { proveDigest } from "./digest.ts";
import { JsonShape, MAX_LIST_LENGTH, parseJson, readJsonBytes, showText } from "./json.ts";
import { checkLayerCount, createLayerSet, type StoredLayer } from "./layer-set.ts";
import { type FilledLimits, fillLimits } from "./limits.ts";
import { familiarReference } from "./name.ts";
import type { Image } from "./types.ts";

/** The member that makes an archive a docker-archive. */
export const DOCKER_MANIFEST = "manifest.json";

/** Options of {@link readDockerArchive}. */
export interface ReadDockerOptions extends OpenArchiveOptions {
  /** Which image: `repo:tag`, or `@index` in the order of the archive. Needed when there are several. */
  reference?: string | undefined;
}

interface DockerImage {
  config: string;
  tags: readonly string[];
  layers: readonly string[];
}

/**
 * Read an image from a docker-archive: what `docker save`, `podman save` and `skopeo copy … docker-archive:` write, in
 * the old form (`<id>/layer.tar`) and in that of Docker 25 and later (`blobs/sha256/…` with a `manifest.json`).
 *
 * The config's digest is proven where its name tells it, each layer's when its entries are read. The source stays the
 * caller's and must live as long as the image.
 *
 * @throws {@link ImageError} `IMAGE_NOT_FOUND` when the reference fits no image, or there are several and none is named;
 * `BAD_MANIFEST`, `MISSING_BLOB`, `DIGEST_MISMATCH`.
 */
export async function readDockerArchive(source: Source, options: ReadDockerOptions = {}): Promise<Image> {
  const store = await openArchive(source, options);
  try {
    return await readDockerStore(store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Read an image from the members of a docker-archive. Closing the image closes the store. */
export async function readDockerStore(store: BlobStore, options: ReadDockerOptions = {}): Promise<Image> {
  const { scratch = createMemoryScratch(), signal } = options;
  const limits = fillLimits(options.limits);
  const chosen = chooseImage(await readManifest(store, limits), options.reference);
  const config = await readConfig(store, chosen.config, limits);
  const { diffIds } = parseImageConfig(config, chosen.config);
  checkLayerCount(chosen.layers.length, diffIds.length, limits, DOCKER_MANIFEST);
  const stored: StoredLayer[] = [];
  for (const [i, path] of chosen.layers.entries()) {
    stored.push({
      blob: await openMember(store, path),
      digest: digestOfName(path),
      diffId: diffIds[i]!,
      path,
    });
  }
  const set = createLayerSet(stored, { scratch, limits, signal });
  return {
    config,
    layers: set.layers,
    references: chosen.tags,
    close: async () => {
      await set.close();
      await store.close();
    },
  };
}

async function openMember(store: BlobStore, path: string): Promise<Source> {
  const blob = await store.open(path);
  if (blob !== undefined) return blob;
  throw new ImageError(
    ErrorCode.MISSING_BLOB,
    "the archive's manifest names a file that the archive does not have; save the image again",
    { path },
  );
}

async function readManifest(store: BlobStore, limits: FilledLimits): Promise<DockerImage[]> {
  const blob = await store.open(DOCKER_MANIFEST);
  if (blob === undefined) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      `expected ${DOCKER_MANIFEST} in the archive, found none: it is no docker-archive, or one from before Docker 1.10`,
    );
  }
  const bytes = await readJsonBytes(blob, DOCKER_MANIFEST, limits.jsonBytes);
  const shape = new JsonShape(DOCKER_MANIFEST);
  return shape.array(parseJson(bytes, DOCKER_MANIFEST), "manifest").map((item) => {
    const image = shape.object(item, "image");
    return {
      config: shape.string(image.Config, "Config"),
      tags: shape.strings(image.RepoTags ?? [], "RepoTags"),
      layers: shape.strings(image.Layers ?? [], "Layers"),
    };
  });
}

function chooseImage(images: readonly DockerImage[], reference: string | undefined): DockerImage {
  const index = /^@(\d{1,9})$/.exec(reference ?? "")?.[1];
  let fitting = images;
  if (index !== undefined) fitting = images.slice(Number(index), Number(index) + 1);
  else if (reference !== undefined) {
    const wanted = familiarReference(reference);
    fitting = images.filter(({ tags }) => tags.some((tag) => familiarReference(tag) === wanted));
  }
  if (fitting.length === 1) return fitting[0]!;
  const list = images.map(({ tags }, i) => [`@${i}`, ...tags].join(" ")).join(", ");
  const there = showText(list, MAX_LIST_LENGTH);
  throw new ImageError(
    ErrorCode.IMAGE_NOT_FOUND,
    reference === undefined
      ? `expected one image in the archive, found ${images.length}: ${there || "none"}; name one as PATH:REPO:TAG or PATH:@INDEX`
      : `found ${fitting.length === 0 ? "no image" : "several images"} named ${JSON.stringify(reference)}, there is: ${there || "nothing"}`,
  );
}

/** The digest that a member's name claims: Docker 25 and later name blobs by it, as an OCI layout does. */
function digestOfName(path: string): string | undefined {
  const hex = /^(?:\.\/)?blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

async function readConfig(store: BlobStore, path: string, limits: FilledLimits): Promise<Uint8Array> {
  const bytes = await readJsonBytes(await openMember(store, path), path, limits.jsonBytes);
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1];
  if (hex !== undefined) proveDigest(bytes, `sha256:${hex}`, path);
  return bytes;
}
