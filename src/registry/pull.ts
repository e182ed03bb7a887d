import { ErrorCode, LimitError } from "../errors.ts";
import type { BlobStore } from "../image/archive.ts";
import type { ContentDescriptor, ManifestImage, Platform, ReadLimits } from "../image/index.ts";
import { type FilledLimits, fillLimits } from "../image/limits.ts";
import { CONFIG_TYPES, INDEX_TYPES, MANIFEST_TYPES, OCI_INDEX, readOciStore } from "../image/oci.ts";
import {
  createMemoryScratch,
  memorySource,
  type ScratchFile,
  type ScratchSpace,
  type Source,
} from "../io/index.ts";
import { openBlob } from "./blob.ts";
import { RegistryClient } from "./client.ts";
import { encodeManifest, getManifest } from "./manifest.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";

/** Options of {@link readRegistryImage}. */
export interface ReadRegistryOptions {
  /** Speaks to the registry; one without credentials by default. */
  client?: RegistryClient | undefined;
  /** Which of the platforms of an image; Linux on the architecture of this machine by default. */
  platform?: Platform | undefined;
  /** Where layers are downloaded and decompressed to; memory by default. */
  scratch?: ScratchSpace | undefined;
  signal?: AbortSignal | undefined;
  /** Told of the bytes of layers that have arrived, of all of them together. */
  onBytes?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  limits?: ReadLimits | undefined;
}

/**
 * Read an image from a registry, by tag or digest: OCI images and Docker's (schema 2), of one platform or several.
 *
 * Manifest and config are read at once, a layer is downloaded when its entries are first asked for. Sizes and digests of
 * all of them are proven; a download that breaks off goes on where it was.
 *
 * @throws NetworkError `NOT_FOUND` when there is no such image, `UNAUTHORIZED`, and the other errors of `sendRequest`;
 * ImageError and LimitError as `readOciArchive`; RangeError for a malformed reference.
 *
 * @example
 * ```ts
 * const image = await readRegistryImage("registry.example.com/app:2", { scratch: fileScratch() });
 * const flat = await flattenImage(image);
 * ```
 */
export async function readRegistryImage(
  reference: string | Reference,
  options: ReadRegistryOptions = {},
): Promise<ManifestImage> {
  const {
    client = new RegistryClient(),
    platform,
    scratch = createMemoryScratch(),
    signal,
    limits,
  } = options;
  const parsed = typeof reference === "string" ? parseReference(reference) : reference;
  const filled = fillLimits(limits);
  const root = await getManifest(client, parsed, { limitBytes: filled.jsonBytes, signal });
  const store = new RegistryStore(client, parsed, { scratch, signal, limits: filled });
  store.addJson(root.descriptor.digest, root.bytes);
  // The image is read as if the registry were a layout whose index has it alone.
  const annotations = { "org.opencontainers.image.ref.name": formatReference(parsed) };
  store.addIndex(encodeManifest({ schemaVersion: 2, manifests: [{ ...root.descriptor, annotations }] }));
  try {
    const image = await readOciStore(store, { platform, scratch, signal, limits });
    let doneBytes = 0;
    store.onBytes = (bytes) => {
      doneBytes += bytes;
      options.onBytes?.(doneBytes, image.storedBytes);
    };
    return image;
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface StoreOptions {
  scratch: ScratchSpace;
  signal: AbortSignal | undefined;
  limits: FilledLimits;
}

/** The blobs of a repository. Documents are read when they are opened, layers when they are first read from. */
class RegistryStore implements BlobStore {
  /** Told of each piece of a layer. */
  onBytes: ((bytes: number) => void) | undefined;
  readonly #client: RegistryClient;
  readonly #reference: Reference;
  readonly #options: StoreOptions;
  readonly #documents = new Map<string, Uint8Array>();
  readonly #layers = new Map<string, LazyBlob>();

  constructor(client: RegistryClient, reference: Reference, options: StoreOptions) {
    this.#client = client;
    this.#reference = reference;
    this.#options = options;
  }

  addIndex(bytes: Uint8Array): void {
    this.#documents.set(OCI_INDEX, bytes);
  }

  addJson(digest: string, bytes: Uint8Array): void {
    this.#documents.set(digest, bytes);
  }

  async open(path: string, descriptor?: ContentDescriptor): Promise<Source | undefined> {
    const document = this.#documents.get(descriptor?.digest ?? path);
    if (document !== undefined) return memorySource(document);
    if (descriptor === undefined) return undefined;
    const { digest, mediaType } = descriptor;
    const isDocument = CONFIG_TYPES.has(mediaType) || isManifestType(mediaType);
    this.#checkSize(descriptor, isDocument ? "jsonBytes" : "decompressedBytes");
    if (isDocument) {
      const bytes = await this.#readDocument(descriptor);
      this.#documents.set(digest, bytes);
      return memorySource(bytes);
    }
    let layer = this.#layers.get(digest);
    if (layer === undefined) {
      const { scratch, signal } = this.#options;
      const start = (closing: AbortSignal) =>
        openBlob(this.#client, this.#reference, descriptor, {
          signal: signal === undefined ? closing : AbortSignal.any([signal, closing]),
        });
      layer = new LazyBlob(descriptor.size, scratch, start, (bytes) => this.onBytes?.(bytes));
      this.#layers.set(digest, layer);
    }
    return layer;
  }

  #checkSize({ digest, size }: ContentDescriptor, name: "jsonBytes" | "decompressedBytes"): void {
    const limit = this.#options.limits[name];
    if (size <= limit) return;
    throw new LimitError(
      ErrorCode.SIZE_LIMIT,
      `expected a blob of at most ${limit} bytes, found ${size}; raise limits.${name} if you trust the image`,
      { path: formatReference({ ...this.#reference, digest }) },
    );
  }

  async #readDocument(descriptor: ContentDescriptor): Promise<Uint8Array> {
    const { digest, size, mediaType } = descriptor;
    const { signal } = this.#options;
    const reference = { ...this.#reference, digest };
    if (isManifestType(mediaType)) {
      return (await getManifest(this.#client, reference, { limitBytes: size, signal })).bytes;
    }
    const request = { limitBytes: size, signal };
    const target = { repository: this.#reference, path: `blobs/${digest}` };
    return (await this.#client.read(target, request)).bytes;
  }

  async close(): Promise<void> {
    const layers = [...this.#layers.values()];
    this.#layers.clear();
    await Promise.all(layers.map((layer) => layer.close()));
  }
}

function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.has(mediaType) || INDEX_TYPES.has(mediaType);
}

/** A blob that is downloaded into scratch space when it is first read from. */
class LazyBlob implements Source {
  readonly size: number;
  readonly #scratch: ScratchSpace;
  readonly #start: (closing: AbortSignal) => ReturnType<typeof openBlob>;
  readonly #onBytes: (bytes: number) => void;
  readonly #closing = new AbortController();
  #fetched: Promise<{ source: Source; file: ScratchFile }> | undefined;

  constructor(
    size: number,
    scratch: ScratchSpace,
    start: (closing: AbortSignal) => ReturnType<typeof openBlob>,
    onBytes: (bytes: number) => void,
  ) {
    this.size = size;
    this.#scratch = scratch;
    this.#start = start;
    this.#onBytes = onBytes;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#fetched ??= this.#fetch();
    const { source } = await this.#fetched;
    await source.read(offset, into);
  }

  async #fetch(): Promise<{ source: Source; file: ScratchFile }> {
    const download = await this.#start(this.#closing.signal);
    const file = await this.#scratch();
    try {
      for await (const piece of download) {
        await file.write(piece);
        this.#onBytes(piece.length);
      }
      return { source: await file.finish(), file };
    } catch (error) {
      await download.close();
      await file.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the image was closed"));
    const fetched = await this.#fetched?.catch(() => undefined);
    await fetched?.file.release();
  }
}
