/**
 * The flat image: an image's layers merged into one canonical layer, inside a loadable image archive. The same content
 * gives the same bytes wherever it is made; FORMAT.md has them one by one.
 *
 * @module
 */

import { equalBytes } from "../bytes/index.ts";
import type { IndexedInput, IndexOptions, SourceIndex } from "../encode/input.ts";
import { ErrorCode, ImageError } from "../errors.ts";
import type { OnProgress, Source } from "../io/index.ts";
import { concatSources, memorySource, subSource, zeroSource } from "../io/index.ts";
import { ENVELOPE_END_BYTES, encodeEnvelopeHead } from "../transform/index.ts";
import { encodeFlatConfig } from "./flat/config.ts";
import { type Envelope, hasFlatMark, readEnvelope } from "./flat/envelope.ts";
import { indexFlatImage } from "./flat/index-image.ts";
import { buildFlatLayer, digestLayer } from "./flat/layer.ts";
import { scanFlatImage } from "./flat/scan.ts";
import { tarLayer } from "./layer.ts";
import { type MergeOptions, mergeLayers, type TreeNode } from "./tree.ts";
import type { Image } from "./types.ts";

/** An image in its flat form. */
export interface FlatImage extends IndexedInput {
  /** All bytes of the flat image. Of one that was just made they are virtual: put together when they are read. */
  readonly source: Source;
  /** Digest of the one layer ("sha256:..."), which is also its diffID. */
  readonly layerDigest: string;
  /** The config JSON as the flat image has it. */
  readonly config: Uint8Array;
  /** Entries in the layer. */
  readonly entryCount: number;
  /** Let go of what the flat image keeps in memory. The image or file behind it stays open: its opener closes it. */
  close(): Promise<void>;
}

/** A flat image that was put together from a tree. */
export interface FlatTree extends FlatImage {
  /** Whose content lies at an offset of the flat image, and at which of its bytes; `undefined` for headers and padding. */
  contentAt(offset: number): { content: Source; offset: number } | undefined;
}

/** How to flatten. */
export interface FlattenOptions extends MergeOptions {
  /** Size of the flat image, holes of sparse files included; 64 GiB by default. */
  maxFlatBytes?: number | undefined;
  /** Bytes of all headers of its layer, which are kept in memory; 2 GiB by default. */
  maxHeaderBytes?: number | undefined;
  onProgress?: OnProgress | undefined;
}

/** How to verify. */
export interface VerifyFlatOptions {
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
}

/** What was proven. */
export interface FlatVerification {
  /** "sha256:...". */
  layerDigest: string;
  entryCount: number;
  /** SHA-256 of all bytes. */
  sha256: Uint8Array;
}

const CLOSED_SOURCE: Source = {
  size: 0,
  read: async () => {
    throw new TypeError("expected an open flat image, this one was closed");
  },
};

class EnvelopedFlatImage implements FlatImage {
  readonly layerDigest: string;
  readonly config: Uint8Array;
  readonly entryCount: number;
  readonly #envelope: Envelope;
  #source: Source;
  #index: Promise<SourceIndex> | undefined;

  constructor(source: Source, envelope: Envelope) {
    this.#source = source;
    this.#envelope = envelope;
    this.config = envelope.config;
    this.layerDigest = envelope.layer.digest;
    this.entryCount = envelope.layer.entryCount;
  }

  get source(): Source {
    return this.#source;
  }

  index(options: IndexOptions = {}): Promise<SourceIndex> {
    this.#index ??= this.#scan(options);
    return this.#index;
  }

  async #scan(options: IndexOptions): Promise<SourceIndex> {
    try {
      const index = await indexFlatImage(this.#source, this.#envelope, options);
      index.hashes.catch(() => {
        this.#index = undefined;
      });
      return index;
    } catch (error) {
      // An aborted pass says nothing about the next one.
      this.#index = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#source = CLOSED_SOURCE;
    this.#index = undefined;
  }
}

/**
 * Make the flat image of an image. Layers are read once for their headers, then once more for the digest of the merged
 * layer; no content is kept in memory or on disk, so the image must stay open while the flat image is in use.
 *
 * @throws {@link ImageError} `BAD_TAR_HEADER`, `TRUNCATED`, `BAD_ENTRY`, `UNSAFE_PATH`, `DIGEST_MISMATCH`, `BAD_MANIFEST`.
 * @throws {@link LimitError} `COUNT_LIMIT`, `SIZE_LIMIT`, `MEMORY_LIMIT`.
 */
export async function flattenImage(image: Image, options: FlattenOptions = {}): Promise<FlatImage> {
  return flattenTree(await mergeLayers(image.layers, options), image.config, options);
}

/**
 * As {@link flattenImage}, of layers that are merged already.
 *
 * @param options - with `layerDigest` that is believed to be the layer's digest, which spares a pass over all contents: for
 * whoever proves the bytes by another digest.
 */
export async function flattenTree(
  root: TreeNode,
  imageConfig: Uint8Array,
  options: FlattenOptions & { layerDigest?: string | undefined } = {},
): Promise<FlatTree> {
  const { source: layerSource, entryCount } = buildFlatLayer(root, options);
  const digest = options.layerDigest ?? (await digestLayer(layerSource, options));
  const config = encodeFlatConfig(imageConfig, digest);
  const head = encodeEnvelopeHead(config, { digest, sizeBytes: layerSource.size, entryCount });
  const source = concatSources([memorySource(head), layerSource, zeroSource(ENVELOPE_END_BYTES)]);
  const image = await openFlatImage(source);
  const contentAt: FlatTree["contentAt"] = (offset) =>
    offset < head.length || offset >= head.length + layerSource.size
      ? undefined
      : layerSource.sourceAt(offset - head.length);
  return Object.assign(image, { contentAt });
}

/**
 * Open bytes that are a flat image already. Its manifests, config and all sizes are checked; the layer is not read
 * (see {@link verifyFlatImage}).
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when it is no flat image, `BAD_TAR_HEADER` or `TRUNCATED` when it is no tar.
 */
export async function openFlatImage(source: Source): Promise<FlatImage> {
  return new EnvelopedFlatImage(source, await readEnvelope(source));
}

/**
 * Whether bytes are a flat image by the mark that they bear. Reads a few kilobytes; whether the rest is in order is for
 * {@link openFlatImage} and {@link verifyFlatImage} to tell.
 */
export function isFlatImage(source: Source): Promise<boolean> {
  return hasFlatMark(source);
}

/**
 * Prove that bytes are a flat image and that there is no other one with the same content: all digests, and that
 * flattening it again gives the same bytes.
 *
 * @throws {@link ImageError} `DIGEST_MISMATCH` when the layer is not the one that is named, `BAD_MANIFEST` when the form
 *   is not canonical, else as {@link openFlatImage} and {@link flattenImage}.
 */
export async function verifyFlatImage(
  source: Source,
  options: VerifyFlatOptions = {},
): Promise<FlatVerification> {
  const envelope = await readEnvelope(source);
  const { config, layer, layerOffset } = envelope;
  const { index, layerDigest, entryCount } = await scanFlatImage(source, envelope, options);
  if (layerDigest !== layer.digest) {
    throw new ImageError(
      ErrorCode.DIGEST_MISMATCH,
      `the flat image's layer is not the one it names: expected ${layer.digest}, found ${layerDigest}; ` +
        "copy it again or make it anew",
      { offset: layerOffset, expected: layer.digest, actual: layerDigest },
    );
  }
  const again = await flattenImage(
    {
      config,
      layers: [tarLayer(subSource(source, layerOffset, layer.sizeBytes))],
      references: [],
      close: async () => {},
    },
    // More than there is it cannot be, if it is the same.
    { signal: options.signal, maxFlatBytes: source.size },
  );
  if (again.layerDigest !== layerDigest) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      "the flat image's layer is not in canonical form: flattened again it is another one; make it anew with flatten",
      { expected: again.layerDigest, actual: layerDigest },
    );
  }
  if (again.source.size !== source.size || !equalBytes(again.config, config)) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      "the flat image's config is not in canonical form; make it anew with flatten",
    );
  }
  return { layerDigest, entryCount, sha256: (await index.hashes).sha256 };
}
