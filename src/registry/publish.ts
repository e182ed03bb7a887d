import { equalBytes } from "../bytes/index.ts";
import { type CreateDeltaOptions, createDelta, type DeltaBasis, type DeltaStats } from "../encode/index.ts";
import { ErrorCode, MismatchError } from "../errors.ts";
import { parseImageConfig } from "../image/config.ts";
import { encodeFlatConfig } from "../image/flat/config.ts";
import { type ContentDescriptor, type FlatImage, flattenImage } from "../image/index.ts";
import { memoryScratch, type ScratchSpace } from "../io/index.ts";
import { RegistryClient } from "./client.ts";
import { type PublishedDelta, pushDelta } from "./deltas.ts";
import { type ReadRegistryOptions, readRegistryImage } from "./pull.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";

/** Options of {@link publishDelta}: what to publish, and how to make the delta. */
export interface PublishOptions extends CreateDeltaOptions {
  /** What devices have: a flat image, or the signature of one. */
  old: DeltaBasis;
  /** What they are to have. */
  new: FlatImage;
  /** The same image in its registry, by tag or digest. The delta is put into its repository. */
  to: string | Reference;
  /**
   * The `diffId`s of the layers that `new` was flattened from. When the image in the registry has the same, it is not pulled to
   * prove that it is `new`.
   */
  newDiffIds?: readonly (string | undefined)[] | undefined;
  /** Digest of the old image's manifest, where it is in a registry. */
  oldManifestDigest?: string | undefined;
  client?: RegistryClient | undefined;
  /** Where the delta is made before it is sent; memory by default. */
  scratch?: ScratchSpace | undefined;
}

/** What {@link publishDelta} made. */
export interface Publication extends PublishedDelta {
  stats: DeltaStats;
  /** The new image in its registry, and about what pulling it costs. */
  target: { manifest: ContentDescriptor; storedBytes: number };
}

/**
 * Make the delta between two images and put it into the registry of the new one, where devices find it by `findDeltas`.
 *
 * @throws {@link MismatchError} `TARGET_MISMATCH` when the image in the registry is another one than `new`; and as
 * `createDelta`, `readRegistryImage` and `pushDelta`.
 *
 * @example
 * ```ts
 * const published = await publishDelta({ old: basis, new: target, to: "registry.example.com/app:2", client });
 * console.log(`${published.deltaBytes} bytes`);
 * ```
 */
export async function publishDelta(options: PublishOptions): Promise<Publication> {
  const { old, new: target, to, newDiffIds, oldManifestDigest, ...creating } = options;
  const { client = new RegistryClient(), scratch = memoryScratch, signal } = options;
  const reference = typeof to === "string" ? parseReference(to) : to;
  const image = await proveTarget(target, newDiffIds, reference, { client, scratch, signal });
  const file = await scratch();
  try {
    const stats = await createDelta(old, target, file, creating);
    const delta = await file.finish();
    const basisManifestDigest = oldManifestDigest;
    const published = await pushDelta(client, reference, delta, image.manifest, {
      basisManifestDigest,
      signal,
    });
    return { ...published, stats, target: image };
  } finally {
    await file.release();
  }
}

/** Prove that the flat image of what is in the registry is the new one. Returns what its registry says of it. */
async function proveTarget(
  target: FlatImage,
  diffIds: readonly (string | undefined)[] | undefined,
  reference: Reference,
  options: ReadRegistryOptions,
): Promise<Publication["target"]> {
  const { platform } = parseImageConfig(target.config, "config of the new image");
  const image = await readRegistryImage(reference, { ...options, platform });
  const { manifest, storedBytes } = image;
  try {
    const isConfig = equalBytes(encodeFlatConfig(image.config, target.layerDigest), target.config);
    const hasLayers =
      image.layers.length === diffIds?.length && image.layers.every(({ diffId }, i) => diffId === diffIds[i]);
    if (isConfig && hasLayers) return { manifest, storedBytes };
    const flat = isConfig ? await flattenImage(image, { signal: options.signal }) : undefined;
    await flat?.close();
    if (flat?.layerDigest === target.layerDigest) return { manifest, storedBytes };
  } finally {
    await image.close();
  }
  throw new MismatchError(
    ErrorCode.TARGET_MISMATCH,
    "expected the image in the registry to be the new image, it is another one; push the new image, or make the delta from what " +
      "is in the registry",
    { path: formatReference(reference) },
  );
}
