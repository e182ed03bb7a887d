import { toHex } from "../bytes/index.ts";
import { ErrorCode, NetworkError } from "../errors.ts";
import { sha256 } from "../hash/index.ts";
import { checkDigest } from "../image/digest.ts";
import type { ContentDescriptor } from "../image/index.ts";
import { JsonShape, parseJson } from "../image/json.ts";
import { INDEX_TYPES, MANIFEST_TYPES } from "../image/oci.ts";
import { cancelBody } from "../net/index.ts";
import { isNotFound, type RegistryClient } from "./client.ts";
import { formatReference, type Reference, type Repository } from "./reference.ts";

/** Media type of OCI manifests, of images and artifacts. */
export const OCI_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** Media type of OCI indexes. */
export const OCI_INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

const ACCEPT = [...MANIFEST_TYPES, ...INDEX_TYPES].join(", ");
// The specification wants registries to take 4 MiB at least; larger ones are not to be relied on.
const MANIFEST_LIMIT_BYTES = 1 << 23;

/** A manifest or index and what names it. */
export interface StoredManifest {
  descriptor: ContentDescriptor;
  bytes: Uint8Array;
}

/** Options of single requests. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** The digest of bytes: "sha256:…". */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${toHex(sha256(bytes))}`;
}

/**
 * Get a manifest or index by its digest, or by its tag.
 *
 * @throws {@link NetworkError} `NOT_FOUND`, `UNAUTHORIZED` and whatever `sendRequest` throws; ImageError
 * `DIGEST_MISMATCH` when it is not the one that was asked for.
 */
export async function getManifest(
  client: RegistryClient,
  reference: Reference,
  options: CallOptions & { limitBytes?: number } = {},
): Promise<StoredManifest> {
  const name = reference.digest ?? reference.tag ?? "latest";
  const { response, bytes } = await client.read(
    { repository: reference, path: `manifests/${name}` },
    {
      headers: { Accept: ACCEPT },
      limitBytes: options.limitBytes ?? MANIFEST_LIMIT_BYTES,
      signal: options.signal,
    },
  );
  const digest = digestOf(bytes);
  const path = formatReference(reference);
  const told = response.headers.get("docker-content-digest");
  if (reference.digest !== undefined) checkDigest(digest, reference.digest, path);
  else if (told?.startsWith("sha256:")) checkDigest(digest, told, path);
  const mediaType = mediaTypeOf(response, bytes, path);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** As {@link getManifest}; `undefined` when the registry does not have it. */
export async function findManifest(
  client: RegistryClient,
  reference: Reference,
  options: CallOptions = {},
): Promise<StoredManifest | undefined> {
  try {
    return await getManifest(client, reference, options);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What a manifest says that it is; else what the registry says, which some take from the request. */
function mediaTypeOf(response: Response, bytes: Uint8Array, path: string): string {
  const shape = new JsonShape(path);
  const { mediaType } = shape.object(parseJson(bytes, path), "manifest");
  const told = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  return shape.optionalString(mediaType, "mediaType") ?? told;
}

/**
 * Put a manifest or index into a repository. All that it names must be there already.
 *
 * @param name - a tag, or the manifest's own digest.
 * @returns what names it, and the registry's answer.
 */
export async function putManifest(
  client: RegistryClient,
  repository: Repository,
  name: string,
  manifest: { readonly mediaType: string; readonly [name: string]: unknown },
  options: CallOptions = {},
): Promise<{ descriptor: ContentDescriptor; headers: Headers }> {
  const bytes = encodeManifest(manifest);
  const digest = digestOf(bytes);
  const response = await client.send(
    { repository, path: `manifests/${name}`, actions: "pull,push" },
    { method: "PUT", headers: { "Content-Type": manifest.mediaType }, body: bytes, signal: options.signal },
  );
  await cancelBody(response);
  const told = response.headers.get("docker-content-digest");
  if (told?.startsWith("sha256:") && told !== digest) {
    throw new NetworkError(ErrorCode.BAD_RESPONSE, "the registry stored another manifest than it was sent", {
      path: formatReference({ ...repository, tag: name }),
      expected: digest,
      actual: told,
    });
  }
  return {
    descriptor: { mediaType: manifest.mediaType, digest, size: bytes.length },
    headers: response.headers,
  };
}

/** A manifest's bytes, which its digest is of. */
export function encodeManifest(manifest: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(manifest));
}
