import { ErrorCode, ImageError } from "../errors.ts";
import { SHA256_HEX } from "../image/digest.ts";
import type { ContentDescriptor } from "../image/index.ts";
import { JsonShape, parseJson } from "../image/json.ts";
import { OCI_MANIFEST_TYPE } from "./manifest.ts";

/** Type of the artifact that a delta is in a registry, and of its one blob. */
export const DELTA_ARTIFACT_TYPE = "application/vnd.flatdelta.delta.v1";

/** The annotations of a delta's manifest, which lists of referrers repeat. */
export const DELTA_ANNOTATIONS = {
  /** Digest and size of the flat image that the delta is applied to. */
  basisFlatDigest: "dev.flatdelta.basis.flat.digest",
  basisFlatBytes: "dev.flatdelta.basis.flat.size",
  /** Digest of the manifest of that image, where it is in a registry. */
  basisManifestDigest: "dev.flatdelta.basis.digest",
  /** Digest and size of the flat image that the delta makes. */
  targetFlatDigest: "dev.flatdelta.target.flat.digest",
  targetFlatBytes: "dev.flatdelta.target.flat.size",
  /** Digest and size of the delta itself. */
  deltaDigest: "dev.flatdelta.delta.digest",
  deltaBytes: "dev.flatdelta.delta.size",
} as const;

/** What is said of a delta in a registry. Digests are "sha256:…". Nothing of it is proven until the delta is applied. */
export interface DeltaFacts {
  basisFlatDigest: string;
  basisFlatBytes: number;
  /** Of the basis' manifest in a registry, where the delta was made from one. */
  basisManifestDigest?: string | undefined;
  targetFlatDigest: string;
  targetFlatBytes: number;
  deltaDigest: string;
  deltaBytes: number;
}

const DIGESTS = ["basisFlatDigest", "basisManifestDigest", "targetFlatDigest", "deltaDigest"] as const;
const SIZES = ["basisFlatBytes", "targetFlatBytes", "deltaBytes"] as const;

/** The empty config of artifacts that need none (OCI image specification 1.1, manifest.md). */
export const EMPTY_CONFIG = {
  bytes: new TextEncoder().encode("{}"),
  descriptor: {
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size: 2,
  },
};

/** The manifest of a delta that refers to its target image. */
export function deltaManifest(facts: DeltaFacts, subject: ContentDescriptor) {
  const annotations: Record<string, string> = {};
  for (const name of [...DIGESTS, ...SIZES]) {
    const value = facts[name];
    if (value !== undefined) annotations[DELTA_ANNOTATIONS[name]] = String(value);
  }
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST_TYPE,
    artifactType: DELTA_ARTIFACT_TYPE,
    config: EMPTY_CONFIG.descriptor,
    layers: [{ mediaType: DELTA_ARTIFACT_TYPE, digest: facts.deltaDigest, size: facts.deltaBytes }],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations,
  };
}

/** What annotations say of a delta; `undefined` when something is missing or malformed. */
export function readDeltaFacts(annotations: Readonly<Record<string, unknown>>): DeltaFacts | undefined {
  const facts: Record<string, unknown> = {};
  for (const name of DIGESTS) {
    const value = annotations[DELTA_ANNOTATIONS[name]];
    if (value === undefined && name === "basisManifestDigest") continue;
    if (typeof value !== "string" || !value.startsWith("sha256:") || !SHA256_HEX.test(value.slice(7)))
      return undefined;
    facts[name] = value;
  }
  for (const name of SIZES) {
    const value = annotations[DELTA_ANNOTATIONS[name]];
    const size = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(size)) return undefined;
    facts[name] = size;
  }
  return facts as unknown as DeltaFacts;
}

/**
 * The blob of a delta's manifest.
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when it is not the manifest of a delta.
 */
export function readDeltaBlob(manifest: Uint8Array, path: string): ContentDescriptor {
  const shape = new JsonShape(path);
  const { artifactType, layers } = shape.object(parseJson(manifest, path), "manifest");
  const items = shape.array(layers, "layers");
  const layer = shape.object(items[0] ?? {}, "layer");
  if (artifactType !== DELTA_ARTIFACT_TYPE || items.length !== 1 || layer.mediaType !== DELTA_ARTIFACT_TYPE) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      `expected the manifest of a delta (${DELTA_ARTIFACT_TYPE}), found another one`,
      { path },
    );
  }
  const digest = shape.string(layer.digest, "digest of the layer");
  if (!digest.startsWith("sha256:") || !SHA256_HEX.test(digest.slice(7))) {
    throw new ImageError(ErrorCode.BAD_MANIFEST, "expected a digest by SHA-256 of the layer", { path });
  }
  return { mediaType: DELTA_ARTIFACT_TYPE, digest, size: shape.size(layer.size, "size of the layer") };
}
