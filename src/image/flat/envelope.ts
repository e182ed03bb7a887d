/** Reading the outer archive of a flat image: an OCI layout and docker's manifest around one layer. */
import { equalBytes } from "../../bytes/index.ts";
import { ErrorCode, ImageError, isFlatdeltaError } from "../../errors.ts";
import { readRange, type Source } from "../../io/index.ts";
import {
  ENTRIES_ANNOTATION,
  ENVELOPE_END_BYTES,
  encodeEnvelopeHead,
  FLAT_ANNOTATION,
  FLAT_VERSION,
  type FlatLayer,
} from "../../transform/index.ts";
import { isDigest } from "../digest.ts";
import { readTarIndex, showName, type TarEntry } from "../tar/index.ts";
import { expectObject, type Json, parseJsonObject } from "./canonical-json.ts";

/** Largest manifest or config that is read; real ones have some kilobytes. */
const MAX_JSON_BYTES = 16 * 2 ** 20;

/** A flat image's envelope, read and found to be in order. */
export interface Envelope {
  config: Uint8Array;
  layer: FlatLayer;
  /** Where the layer's tar begins. */
  layerOffset: number;
  /** Where the entry of each file begins, and its content; the layer is the last. */
  entries: readonly { name: string; headerOffset: number; contentOffset: number; contentBytes: number }[];
}

/** Names of the outer entries that are the same in every flat image, in their order. */
export const ENVELOPE_ROLES = [
  "oci-layout",
  "index.json",
  "manifest.json",
  "manifest",
  "config",
  "layer",
] as const;

function notFlat(message: string, cause?: unknown): ImageError {
  return new ImageError(
    ErrorCode.BAD_MANIFEST,
    `not a flat image: ${message}`,
    cause === undefined ? {} : { cause },
  );
}

async function readFile(source: Source, entry: TarEntry): Promise<Uint8Array> {
  if (entry.contentBytes > MAX_JSON_BYTES) {
    throw notFlat(
      `${showName(entry.header.name)} has ${entry.contentBytes} bytes, allowed are ${MAX_JSON_BYTES}`,
    );
  }
  return readRange(source, entry.contentOffset, entry.contentBytes, MAX_JSON_BYTES);
}

async function readEntries(source: Source, count: number): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const entry of readTarIndex(source)) {
    if (entries.push(entry) === count) break;
  }
  return entries;
}

function parseCount(text: Json | undefined): number {
  const count = typeof text === "string" && /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw notFlat(`expected a count as ${ENTRIES_ANNOTATION}`);
  return count;
}

function parseLayer(manifest: Uint8Array, entryCount: number): FlatLayer {
  const { layers } = parseJsonObject(manifest, "manifest of the flat image");
  const [layer, ...more] = Array.isArray(layers) ? layers : [];
  if (more.length > 0) throw notFlat(`expected one layer, found ${more.length + 1}`);
  const { digest, size } = expectObject(layer, "layer in the manifest of the flat image");
  if (!isDigest(digest)) throw notFlat("expected the SHA-256 of the layer");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw notFlat("expected the size of the layer");
  return { digest, sizeBytes: size, entryCount };
}

/**
 * Read the small files of a flat image and prove that they are what this module writes around such a layer. The layer
 * itself is not read.
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when the bytes are a tar but no flat image, `BAD_TAR_HEADER` or `TRUNCATED`.
 */
export async function readEnvelope(source: Source): Promise<Envelope> {
  const entries = await readEntries(source, ENVELOPE_ROLES.length);
  const names = entries.map((entry) => entry.header.name);
  if (names[0] !== "oci-layout" || names[1] !== "index.json" || entries.length < ENVELOPE_ROLES.length)
    throw notFlat(
      `expected oci-layout, index.json and four more files, found ${names.map(showName).join(", ")}`,
    );
  const index = parseJsonObject(await readFile(source, entries[1]!), "index.json of the flat image");
  const annotations = expectObject(index.annotations, "annotations in index.json of the flat image");
  if (annotations[FLAT_ANNOTATION] !== FLAT_VERSION) {
    throw notFlat(
      `expected ${FLAT_ANNOTATION} to be "${FLAT_VERSION}", found ${JSON.stringify(annotations[FLAT_ANNOTATION])}`,
    );
  }
  const manifest = await readFile(source, entries[3]!);
  const config = await readFile(source, entries[4]!);
  const layer = parseLayer(manifest, parseCount(annotations[ENTRIES_ANNOTATION]));
  const head = encodeEnvelopeHead(config, layer);
  const layerOffset = entries[5]!.contentOffset;
  if (
    layerOffset !== head.length ||
    layerOffset + layer.sizeBytes + ENVELOPE_END_BYTES !== source.size ||
    !equalBytes(head, await readRange(source, 0, head.length)) ||
    (await readRange(source, source.size - ENVELOPE_END_BYTES, ENVELOPE_END_BYTES)).some((byte) => byte !== 0)
  ) {
    throw notFlat("its manifests, sizes or headers are not those that belong to its layer and config");
  }
  return {
    config,
    layer,
    layerOffset,
    entries: entries.map(({ header, headerOffset, contentOffset, contentBytes }) => ({
      name: header.name,
      headerOffset,
      contentOffset,
      contentBytes,
    })),
  };
}

/** Whether bytes claim to be a flat image, by the mark in their index. Reads a few kilobytes. */
export async function hasFlatMark(source: Source): Promise<boolean> {
  try {
    const [layout, index] = await readEntries(source, 2);
    if (layout?.header.name !== "oci-layout" || index?.header.name !== "index.json") return false;
    const { annotations } = parseJsonObject(await readFile(source, index), "index.json");
    return expectObject(annotations, "annotations")[FLAT_ANNOTATION] !== undefined;
  } catch (error) {
    if (isFlatdeltaError(error)) return false;
    throw error;
  }
}
