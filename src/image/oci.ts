import { ErrorCode, ImageError, LimitError, UnsupportedError } from "../errors.ts";
import { createMemoryScratch, type ScratchSpace, type Source } from "../io/index.ts";
import { type BlobStore, openArchive } from "./archive.ts";
import { parseImageConfig, parsePlatformObject } from "./config.ts";
import { parseDigest, proveDigest } from "./digest.ts";
import { type JsonObject, JsonShape, MAX_LIST_LENGTH, parseJson, readJsonBytes, showText } from "./json.ts";
import { checkLayerCount, createLayerSet, type StoredLayer } from "./layer-set.ts";
import { type FilledLimits, fillLimits, type ReadLimits } from "./limits.ts";
import { familiarReference } from "./name.ts";
import { defaultPlatform, formatPlatform, type Platform, rankPlatform } from "./platform.ts";
import type { ContentDescriptor, ManifestImage } from "./types.ts";

/** The file that lists what an OCI layout holds. */
export const OCI_INDEX = "index.json";
/** The file that marks a folder or archive as an OCI layout. */
export const OCI_LAYOUT = "oci-layout";

const REFERENCE_NAME = "org.opencontainers.image.ref.name";
// Docker and containerd write the tag alone as reference name and the whole name here.
const CONTAINERD_NAME = "io.containerd.image.name";
/** Media types of image indexes. */
export const INDEX_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);
/** Media types of image manifests. */
export const MANIFEST_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);
/** Media types of image configs. */
export const CONFIG_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);
// The compression that a type claims is not asked for: content decides.
const LAYER_TYPE =
  /^application\/vnd\.(?:oci\.image\.layer(?:\.nondistributable)?\.v1\.tar|docker\.image\.rootfs\.(?:diff|foreign\.diff)\.tar)(?:[.+](?:gzip|zstd))?$/;

// As many documents of the largest allowed size may be read for one image: an index can name one of them a thousand times.
const MAX_DOCUMENTS = 8;

/** Options of {@link readOciArchive}. */
export interface ReadOciOptions {
  /** Which image: its reference name, or `@index` in the order of `index.json`. Needed when there are several. */
  reference?: string | undefined;
  /** Which of the platforms of an image; Linux on the architecture of this machine by default. */
  platform?: Platform | undefined;
  /** Where compressed layers are decompressed to; memory by default. */
  scratch?: ScratchSpace | undefined;
  signal?: AbortSignal | undefined;
  limits?: ReadLimits | undefined;
}

/** What is used of how an index or manifest names a blob. */
interface Descriptor extends ContentDescriptor {
  path: string;
  platform: Platform | undefined;
  annotations: JsonObject;
  urls: number;
}

/**
 * Read an image from an OCI layout in a tar, plain or compressed by gzip or zstd: what `skopeo copy … oci-archive:`,
 * `podman save --format oci-archive`, `docker save` from version 25 on and `buildx --output type=oci` write.
 *
 * Size and digest of every blob are proven, those of layers when their entries are read. The source stays the caller's
 * and must live as long as the image.
 *
 * @throws {@link ImageError} `IMAGE_NOT_FOUND` when reference or platform fit nothing, or there are several images and
 * none is named; `BAD_MANIFEST`, `MISSING_BLOB`, `DIGEST_MISMATCH`.
 */
export async function readOciArchive(source: Source, options: ReadOciOptions = {}): Promise<ManifestImage> {
  const store = await openArchive(source, options);
  try {
    return await readOciStore(store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Read an image from the files of an OCI layout. Closing the image closes the store. */
export async function readOciStore(store: BlobStore, options: ReadOciOptions = {}): Promise<ManifestImage> {
  return new LayoutReader(store, options).read();
}

/** The name that an index gives an image, the longer of the two there may be. */
function nameOf({ annotations }: Descriptor): string | undefined {
  for (const name of [annotations[CONTAINERD_NAME], annotations[REFERENCE_NAME]]) {
    if (typeof name === "string") return name;
  }
  return undefined;
}

function describe(descriptor: Descriptor, index: number): string {
  const { digest, platform } = descriptor;
  const shown = `@${index} ${nameOf(descriptor) ?? digest}`;
  return showText(platform === undefined ? shown : `${shown} ${formatPlatform(platform)}`);
}

/** Attestations lie beside images in an index but are none. */
function isAttestation({ annotations, platform }: Descriptor): boolean {
  return (
    annotations["vnd.docker.reference.type"] === "attestation-manifest" ||
    (platform?.os === "unknown" && platform.architecture === "unknown")
  );
}

class LayoutReader {
  readonly #store: BlobStore;
  readonly #options: ReadOciOptions;
  readonly #limits: FilledLimits;
  #manifestCount = 0;
  #jsonBytes = 0;

  constructor(store: BlobStore, options: ReadOciOptions) {
    this.#store = store;
    this.#options = options;
    this.#limits = fillLimits(options.limits);
  }

  async read(): Promise<ManifestImage> {
    await this.#checkLayout();
    const { scratch = createMemoryScratch(), signal } = this.#options;
    const named = this.#chooseByName(await this.#readLayoutIndex());
    const chosen = await this.#chooseByPlatform(await this.#collectManifests(named, 1));
    const { config, layers } = await this.#readManifest(chosen);
    const configBytes = await this.#readBlob(config);
    const { diffIds } = parseImageConfig(configBytes, config.path);
    checkLayerCount(layers.length, diffIds.length, this.#limits, chosen.path);
    const stored: StoredLayer[] = [];
    for (const [i, layer] of layers.entries()) {
      stored.push({
        blob: await this.#openBlob(layer),
        digest: layer.digest,
        diffId: diffIds[i]!,
        path: layer.path,
      });
    }
    const set = createLayerSet(stored, { scratch, limits: this.#limits, signal });
    const store = this.#store;
    const { mediaType, digest, size } = chosen;
    return {
      config: configBytes,
      layers: set.layers,
      references: referencesOf(named),
      manifest: { mediaType, digest, size },
      storedBytes: layers.reduce((sum, layer) => sum + layer.size, 0),
      close: async () => {
        await set.close();
        await store.close();
      },
    };
  }

  async #checkLayout(): Promise<void> {
    const blob = await this.#store.open(OCI_LAYOUT);
    if (blob === undefined) return; // Old tools leave it out, and index.json says all that is needed.
    const shape = new JsonShape(OCI_LAYOUT);
    const bytes = await readJsonBytes(blob, OCI_LAYOUT, this.#limits.jsonBytes);
    const version = shape.string(
      shape.object(parseJson(bytes, OCI_LAYOUT), "OCI layout").imageLayoutVersion,
      "imageLayoutVersion",
    );
    if (!version.startsWith("1.")) {
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_VERSION,
        `expected an OCI layout of version 1, found ${JSON.stringify(version.slice(0, 40))}`,
        { path: OCI_LAYOUT },
      );
    }
  }

  async #readLayoutIndex(): Promise<Descriptor[]> {
    const blob = await this.#store.open(OCI_INDEX);
    if (blob === undefined) {
      throw new ImageError(
        ErrorCode.BAD_MANIFEST,
        `expected ${OCI_INDEX}, found none: this is no OCI layout`,
      );
    }
    const bytes = await readJsonBytes(blob, OCI_INDEX, this.#limits.jsonBytes);
    return this.#parseIndex(bytes, OCI_INDEX);
  }

  #parseIndex(bytes: Uint8Array, path: string): Descriptor[] {
    const shape = new JsonShape(path);
    const items = shape.array(shape.object(parseJson(bytes, path), "image index").manifests, "manifests");
    this.#manifestCount += items.length;
    if (this.#manifestCount > this.#limits.manifests) {
      throw new LimitError(
        ErrorCode.COUNT_LIMIT,
        `expected at most ${this.#limits.manifests} manifests; raise limits.manifests if you trust the image`,
        { path },
      );
    }
    return items.map((item) => this.#parseDescriptor(item, shape, path));
  }

  #parseDescriptor(value: unknown, shape: JsonShape, path: string): Descriptor {
    const object = shape.object(value, "descriptor");
    const digest = shape.string(object.digest, "digest of a descriptor");
    return {
      mediaType: shape.optionalString(object.mediaType, "mediaType of a descriptor") ?? "",
      digest,
      size: shape.size(object.size, "size of a descriptor"),
      path: `blobs/sha256/${parseDigest(digest, path)}`,
      platform: parsePlatformObject(shape.object(object.platform ?? {}, "platform of a descriptor"), shape),
      annotations: shape.object(object.annotations ?? {}, "annotations of a descriptor"),
      urls: shape.array(object.urls ?? [], "urls of a descriptor").length,
    };
  }

  #chooseByName(descriptors: readonly Descriptor[]): Descriptor[] {
    const { reference } = this.#options;
    const images = descriptors.filter((descriptor) => !isAttestation(descriptor));
    const index = /^@(\d{1,9})$/.exec(reference ?? "")?.[1];
    let fitting = images;
    if (index !== undefined) fitting = descriptors.slice(Number(index), Number(index) + 1);
    else if (reference !== undefined) {
      fitting = images.filter(({ annotations }) => fitsReference(annotations, reference));
    }
    // Several manifests under one name, or under none, are platforms of one image.
    const names = new Set(fitting.map(nameOf));
    if (fitting.length > 0 && (names.size === 1 || new Set(fitting.map(({ digest }) => digest)).size === 1)) {
      return fitting;
    }
    const there = showText(descriptors.map(describe).join(", "), MAX_LIST_LENGTH);
    throw new ImageError(
      ErrorCode.IMAGE_NOT_FOUND,
      reference === undefined
        ? `expected one image in the OCI layout, found ${images.length}: ${there || "none"}; name one as PATH:REFERENCE or PATH:@INDEX`
        : `found ${fitting.length === 0 ? "no image" : "several images"} named ${JSON.stringify(reference)}, there is: ${there || "nothing"}`,
    );
  }

  /** The manifests that descriptors lead to, through any nested indexes. */
  async #collectManifests(descriptors: readonly Descriptor[], depth: number): Promise<Descriptor[]> {
    const manifests: Descriptor[] = [];
    for (const descriptor of descriptors) {
      if (isAttestation(descriptor)) continue;
      if (!(await this.#isIndex(descriptor))) {
        manifests.push(descriptor);
        continue;
      }
      if (depth >= this.#limits.indexDepth) {
        throw new LimitError(
          ErrorCode.COUNT_LIMIT,
          `expected at most ${this.#limits.indexDepth} image indexes inside one another; raise limits.indexDepth if you trust the image`,
          { path: descriptor.path },
        );
      }
      const inner = this.#parseIndex(await this.#readBlob(descriptor), descriptor.path);
      manifests.push(...(await this.#collectManifests(inner, depth + 1)));
    }
    return manifests;
  }

  async #isIndex(descriptor: Descriptor): Promise<boolean> {
    if (INDEX_TYPES.has(descriptor.mediaType)) return true;
    if (descriptor.mediaType !== "") return false;
    const shape = new JsonShape(descriptor.path);
    const document = parseJson(await this.#readBlob(descriptor), descriptor.path);
    return shape.object(document, "manifest").manifests !== undefined;
  }

  async #chooseByPlatform(manifests: readonly Descriptor[]): Promise<Descriptor> {
    const distinct = [...new Map(manifests.map((manifest) => [manifest.digest, manifest])).values()];
    if (distinct.length === 1) return distinct[0]!;
    const wanted = this.#options.platform ?? defaultPlatform();
    const there: string[] = [];
    let best: Descriptor | undefined;
    let bestRank = -1;
    for (const manifest of distinct) {
      const platform = manifest.platform ?? (await this.#platformOfConfig(manifest));
      if (platform === undefined) continue;
      there.push(formatPlatform(platform));
      // Of equal ones the first counts, as the OCI specification wants it.
      const rank = rankPlatform(platform, wanted);
      if (rank > bestRank) {
        best = manifest;
        bestRank = rank;
      }
    }
    if (best !== undefined) return best;
    throw new ImageError(
      ErrorCode.IMAGE_NOT_FOUND,
      `found no image for the platform ${formatPlatform(wanted)}, there is: ${showText(there.join(", "), MAX_LIST_LENGTH) || "nothing"}; name one of these`,
    );
  }

  async #platformOfConfig(manifest: Descriptor): Promise<Platform | undefined> {
    const { config } = await this.#readManifest(manifest);
    return parseImageConfig(await this.#readBlob(config), config.path).platform;
  }

  async #readManifest(descriptor: Descriptor): Promise<{ config: Descriptor; layers: Descriptor[] }> {
    const { path } = descriptor;
    if (descriptor.mediaType !== "" && !MANIFEST_TYPES.has(descriptor.mediaType)) {
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_FEATURE,
        `expected an image manifest, found media type ${JSON.stringify(descriptor.mediaType.slice(0, 100))}`,
        { path },
      );
    }
    const shape = new JsonShape(path);
    const manifest = shape.object(parseJson(await this.#readBlob(descriptor), path), "manifest");
    const config = this.#parseDescriptor(manifest.config, shape, path);
    if (config.mediaType !== "" && !CONFIG_TYPES.has(config.mediaType)) {
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_FEATURE,
        `expected the manifest of a container image, found an artifact of type ${JSON.stringify(config.mediaType.slice(0, 100))}`,
        { path },
      );
    }
    const items = shape.array(manifest.layers ?? [], "layers");
    return { config, layers: items.map((item) => this.#parseLayer(item, shape, path)) };
  }

  #parseLayer(value: unknown, shape: JsonShape, path: string): Descriptor {
    const layer = this.#parseDescriptor(value, shape, path);
    if (layer.mediaType !== "" && !LAYER_TYPE.test(layer.mediaType)) {
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_FEATURE,
        `expected a layer that is a tar, found media type ${JSON.stringify(layer.mediaType.slice(0, 100))}`,
        { path },
      );
    }
    return layer;
  }

  async #openBlob(descriptor: Descriptor): Promise<Source> {
    const { path, size } = descriptor;
    const blob = await this.#store.open(path, descriptor);
    if (blob === undefined) {
      const isForeign = descriptor.urls > 0 || /foreign|nondistributable/.test(descriptor.mediaType);
      throw new ImageError(
        ErrorCode.MISSING_BLOB,
        isForeign
          ? "a layer that may not be distributed is not in the layout; copy the image together with such layers"
          : "a blob that the image's manifest names is missing; copy the image again",
        { path },
      );
    }
    if (blob.size !== size) {
      throw new ImageError(
        ErrorCode.DIGEST_MISMATCH,
        `expected a blob of ${size} bytes, found ${blob.size}; the image is damaged, get it again`,
        { path, expected: String(size), actual: String(blob.size) },
      );
    }
    return blob;
  }

  async #readBlob(descriptor: Descriptor): Promise<Uint8Array> {
    const blob = await this.#openBlob(descriptor);
    this.#jsonBytes += blob.size;
    if (this.#jsonBytes > MAX_DOCUMENTS * this.#limits.jsonBytes) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `expected manifests and configs of at most ${MAX_DOCUMENTS * this.#limits.jsonBytes} bytes in all; raise limits.jsonBytes if you trust the image`,
        { path: descriptor.path },
      );
    }
    const bytes = await readJsonBytes(blob, descriptor.path, this.#limits.jsonBytes);
    proveDigest(bytes, descriptor.digest, descriptor.path);
    return bytes;
  }
}

function fitsReference(annotations: JsonObject, reference: string): boolean {
  if (annotations[REFERENCE_NAME] === reference) return true;
  const name = annotations[CONTAINERD_NAME];
  return typeof name === "string" && familiarReference(name) === familiarReference(reference);
}

function referencesOf(descriptors: readonly Descriptor[]): string[] {
  return [...new Set(descriptors.map(nameOf).filter((name) => name !== undefined))];
}
