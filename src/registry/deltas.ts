import { toHex } from "../bytes/index.ts";
import { DeltaReader } from "../delta/index.ts";
import { ErrorCode, ImageError } from "../errors.ts";
import type { ContentDescriptor, ManifestImage, Platform } from "../image/index.ts";
import { memorySource, type Source } from "../io/index.ts";
import {
  DELTA_ARTIFACT_TYPE,
  type DeltaFacts,
  deltaManifest,
  EMPTY_CONFIG,
  readDeltaBlob,
  readDeltaFacts,
} from "./artifact.ts";
import { type BlobDownload, type OpenBlobOptions, openBlob } from "./blob.ts";
import { RegistryClient } from "./client.ts";
import { type CallOptions, digestOf, encodeManifest, getManifest, putManifest } from "./manifest.ts";
import { readRegistryImage } from "./pull.ts";
import { formatReference, parseReference, type Reference, type Repository } from "./reference.ts";
import { addToFallback, listReferrers } from "./referrers.ts";
import { pushBlob } from "./upload.ts";

/** A delta in a registry. */
export interface PublishedDelta extends DeltaFacts {
  repository: Repository;
  /** Of the delta's own manifest. */
  manifest: ContentDescriptor;
}

/** Options of {@link pushDelta}. */
export interface PushDeltaOptions extends CallOptions {
  /** Digest of the basis' manifest, where it is in a registry ("sha256:…"). */
  basisManifestDigest?: string | undefined;
}

/**
 * Put a delta into the repository of its target image, as an artifact that refers to the image's manifest.
 *
 * @param delta - from a flat image to the flat image of the target; what it says of both is annotated.
 * @param target - names the target image's manifest, of the one platform.
 * @throws FormatError when it is no delta; NetworkError as `sendRequest`.
 */
export async function pushDelta(
  client: RegistryClient,
  { host, repository: name }: Repository,
  delta: Source,
  target: ContentDescriptor,
  options: PushDeltaOptions = {},
): Promise<PublishedDelta> {
  const { signal, basisManifestDigest } = options;
  const repository = { host, repository: name };
  const reader = await DeltaReader.open(delta, { signal });
  const { header } = reader;
  await reader.close();
  await pushBlob(client, repository, memorySource(EMPTY_CONFIG.bytes), { signal });
  const facts: DeltaFacts = {
    basisFlatDigest: `sha256:${toHex(header.basisSha256)}`,
    basisFlatBytes: header.basisBytes,
    ...(basisManifestDigest === undefined ? {} : { basisManifestDigest }),
    targetFlatDigest: `sha256:${toHex(header.targetSha256)}`,
    targetFlatBytes: header.targetBytes,
    deltaDigest: await pushBlob(client, repository, delta, { signal }),
    deltaBytes: delta.size,
  };
  const manifest = deltaManifest(facts, target);
  const digest = digestOf(encodeManifest(manifest));
  const { descriptor, headers } = await putManifest(client, repository, digest, manifest, { signal });
  // A registry that knows subjects says so.
  if (headers.get("oci-subject") !== target.digest) {
    const { artifactType, annotations } = manifest;
    await addToFallback(
      client,
      repository,
      target.digest,
      { ...descriptor, artifactType, annotations },
      { signal },
    );
  }
  return { ...facts, repository, manifest: descriptor };
}

/** Options of {@link findDeltas}. */
export interface FindDeltasOptions extends CallOptions {
  client?: RegistryClient | undefined;
  /** Which of the platforms of the target; Linux on the architecture of this machine by default. */
  platform?: Platform | undefined;
}

/** What a registry has of a target image. */
export interface TargetDeltas {
  /** The target's manifest, of the one platform. */
  manifest: ContentDescriptor;
  /** About what pulling the whole image would cost, in bytes. */
  storedBytes: number;
  /** All deltas to it, the smallest first. */
  deltas: PublishedDelta[];
}

/**
 * Find the deltas to an image that are in its registry.
 *
 * @throws as `readRegistryImage`.
 *
 * @example
 * ```ts
 * const { deltas } = await findDeltas("registry.example.com/app:2");
 * const delta = deltas.find(({ basisFlatDigest }) => basisFlatDigest === installed);
 * ```
 */
export async function findDeltas(
  target: string | Reference,
  options: FindDeltasOptions = {},
): Promise<TargetDeltas> {
  const { client = new RegistryClient(), platform, signal } = options;
  const reference = typeof target === "string" ? parseReference(target) : target;
  const image: ManifestImage = await readRegistryImage(reference, { client, platform, signal });
  await image.close();
  const { manifest, storedBytes } = image;
  return { manifest, storedBytes, deltas: await listDeltas(client, reference, manifest.digest, { signal }) };
}

/** The deltas whose target is the image of a manifest, the smallest first. What is annotated wrongly is left out. */
export async function listDeltas(
  client: RegistryClient,
  { host, repository: name }: Repository,
  targetManifestDigest: string,
  options: CallOptions = {},
): Promise<PublishedDelta[]> {
  const repository = { host, repository: name };
  const request = { ...options, artifactType: DELTA_ARTIFACT_TYPE };
  const deltas: PublishedDelta[] = [];
  for (const { mediaType, digest, size, annotations } of await listReferrers(
    client,
    repository,
    targetManifestDigest,
    request,
  )) {
    const facts = readDeltaFacts(annotations);
    if (facts !== undefined) deltas.push({ ...facts, repository, manifest: { mediaType, digest, size } });
  }
  return deltas.sort((a, b) => a.deltaBytes - b.deltaBytes);
}

/**
 * Begin to download a delta. The stream goes on by itself where a connection breaks; its digest is proven at its end.
 *
 * @throws as `openBlob`; ImageError `BAD_MANIFEST` when the artifact is no delta, or another one than was listed.
 */
export async function openDelta(
  client: RegistryClient,
  delta: PublishedDelta,
  options: OpenBlobOptions = {},
): Promise<BlobDownload> {
  const reference = { ...delta.repository, digest: delta.manifest.digest };
  const { bytes } = await getManifest(client, reference, { signal: options.signal });
  const blob = readDeltaBlob(bytes, formatReference(reference));
  if (blob.digest !== delta.deltaDigest || blob.size !== delta.deltaBytes) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      "expected the delta that the list of referrers named, found another one",
      {
        path: formatReference(reference),
        expected: delta.deltaDigest,
        actual: blob.digest,
      },
    );
  }
  return openBlob(client, delta.repository, blob, options);
}
