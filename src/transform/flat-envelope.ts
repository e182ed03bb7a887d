/**
 * All bytes of a flat image before its layer, which follow from its config and three figures of the layer. FORMAT.md of
 * `image`, sections 2 and 3, has them.
 *
 * A pure function that image writer, encoder and applier share: a delta between flat images carries the figures.
 */
import { concatBytes, encodeUtf8, toHex } from "../bytes/index.ts";
import { sha256 } from "../hash/index.ts";
import { encodeOuterHeader } from "./outer-header.ts";
import { roundUpToBlock } from "./tar-block.ts";

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";

/** Annotation of the index that marks a flat image; its value is the version of the canonical form. */
export const FLAT_ANNOTATION = "org.flatdelta.flat";
/** That version. */
export const FLAT_VERSION = "1";
/** Annotation of the index: how many entries the layer has. */
export const ENTRIES_ANNOTATION = "org.flatdelta.entries";

/** Zeros behind the layer: the end of the outer archive. */
export const ENVELOPE_END_BYTES = 1024;

/** What the envelope says about its layer. */
export interface FlatLayer {
  /** "sha256:...", 64 lower-case digits. */
  digest: string;
  /** Size of the layer's tar. */
  sizeBytes: number;
  /** Entries in it. */
  entryCount: number;
}

interface EnvelopeFile {
  name: string;
  bytes: Uint8Array;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${toHex(sha256(bytes))}`;

const blobName = (digest: string): string => `blobs/sha256/${digest.slice("sha256:".length)}`;

/** The files before the layer, in their order. Keys in their order too: this is canonical JSON (RFC 8785). */
function envelopeFiles(config: Uint8Array, layer: FlatLayer): EnvelopeFile[] {
  const configDigest = digestOf(config);
  const manifest = encodeUtf8(
    JSON.stringify({
      config: { digest: configDigest, mediaType: CONFIG_TYPE, size: config.length },
      layers: [{ digest: layer.digest, mediaType: LAYER_TYPE, size: layer.sizeBytes }],
      mediaType: MANIFEST_TYPE,
      schemaVersion: 2,
    }),
  );
  const manifestDigest = digestOf(manifest);
  const index = JSON.stringify({
    annotations: { [ENTRIES_ANNOTATION]: String(layer.entryCount), [FLAT_ANNOTATION]: FLAT_VERSION },
    manifests: [{ digest: manifestDigest, mediaType: MANIFEST_TYPE, size: manifest.length }],
    mediaType: INDEX_TYPE,
    schemaVersion: 2,
  });
  const dockerManifest = JSON.stringify([
    { Config: blobName(configDigest), Layers: [blobName(layer.digest)], RepoTags: null },
  ]);
  return [
    { name: "oci-layout", bytes: encodeUtf8('{"imageLayoutVersion":"1.0.0"}') },
    { name: "index.json", bytes: encodeUtf8(index) },
    { name: "manifest.json", bytes: encodeUtf8(dockerManifest) },
    { name: blobName(manifestDigest), bytes: manifest },
    { name: blobName(configDigest), bytes: config },
  ];
}

/**
 * All bytes before the layer's own: the small files and the header of the layer's entry.
 *
 * @param config - the config JSON as it stands in the flat image.
 */
export function encodeEnvelopeHead(config: Uint8Array, layer: FlatLayer): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { name, bytes } of envelopeFiles(config, layer)) {
    const padding = new Uint8Array(roundUpToBlock(bytes.length) - bytes.length);
    parts.push(encodeOuterHeader(name, bytes.length), bytes, padding);
  }
  parts.push(encodeOuterHeader(blobName(layer.digest), layer.sizeBytes));
  return concatBytes(parts);
}
