import { ErrorCode, NetworkError } from "../errors.ts";
import { digestSource } from "../image/digest.ts";
import { readRange, type Source } from "../io/index.ts";
import { cancelBody, showUrl } from "../net/index.ts";
import type { RegistryClient, RegistryTarget } from "./client.ts";
import type { CallOptions } from "./manifest.ts";
import type { Repository } from "./reference.ts";

/** Options of {@link pushBlob}. */
export interface PushBlobOptions extends CallOptions {
  /** Bytes of one request: 8 MiB by default, more where the registry wants more. They are held in memory. */
  chunkBytes?: number | undefined;
  /** A repository of the same registry that is likely to have the blob: it need not be sent then. */
  mountFrom?: string | undefined;
}

const DEFAULT_CHUNK_BYTES = 1 << 23;
const MAX_CHUNK_BYTES = 1 << 28;
// As long as a chunk may take on a slow line.
const CHUNK_TIMEOUT_MS = 600_000;
const OCTETS = { "Content-Type": "application/octet-stream" };

/**
 * Put a blob into a repository, unless it is there. In one request if it is small, else in chunks; a chunk whose request
 * breaks is sent again from where the registry has it.
 *
 * @returns its digest ("sha256:…").
 * @throws NetworkError as `sendRequest`; `BAD_RESPONSE` for a registry that does not keep to the protocol.
 */
export async function pushBlob(
  client: RegistryClient,
  repository: Repository,
  blob: Source,
  options: PushBlobOptions = {},
): Promise<string> {
  const { signal, mountFrom, chunkBytes = DEFAULT_CHUNK_BYTES } = options;
  const digest = await digestSource(blob, { signal });
  if (await hasBlob(client, repository, digest, signal)) return digest;
  const begin = () => beginUpload(client, repository, digest, { signal, mountFrom });
  if (blob.size <= chunkBytes) {
    const body = await readRange(blob, 0, blob.size, chunkBytes);
    await client.retry(async () => {
      const upload = await begin();
      if (upload !== undefined)
        await finishUpload(client, repository, upload.location, digest, { body, signal });
    }, signal);
    return digest;
  }
  const upload = await begin();
  if (upload === undefined) return digest;
  const bytes = Math.min(Math.max(chunkBytes, upload.minChunkBytes), MAX_CHUNK_BYTES);
  const location = await sendChunks(client, repository, upload.location, blob, bytes, signal);
  let isRepeated = false;
  await client.retry(async () => {
    // The answer to an earlier attempt may be all that was lost.
    if (isRepeated && (await hasBlob(client, repository, digest, signal))) return;
    isRepeated = true;
    await finishUpload(client, repository, location, digest, { signal });
  }, signal);
  return digest;
}

async function hasBlob(
  client: RegistryClient,
  repository: Repository,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const target: RegistryTarget = { repository, path: `blobs/${digest}`, actions: "pull,push" };
  const response = await client.send(target, { method: "HEAD", alsoAccept: [404], signal });
  await cancelBody(response);
  return response.status !== 404;
}

interface Upload {
  location: URL;
  minChunkBytes: number;
}

/** `undefined` when the registry has the blob from another repository. */
async function beginUpload(
  client: RegistryClient,
  repository: Repository,
  digest: string,
  { signal, mountFrom }: PushBlobOptions,
): Promise<Upload | undefined> {
  const query = new URLSearchParams(mountFrom === undefined ? [] : { mount: digest, from: mountFrom });
  const target: RegistryTarget = {
    repository,
    path: `blobs/uploads/${query.size === 0 ? "" : `?${query}`}`,
    actions: "pull,push",
    alsoPulls: mountFrom === undefined ? [] : [mountFrom],
  };
  // An upload that nobody goes on with costs the registry nothing.
  const response = await client.send(target, { method: "POST", isIdempotent: true, signal });
  await cancelBody(response);
  if (mountFrom !== undefined && response.status === 201) return undefined;
  const minChunkBytes = Number(response.headers.get("oci-chunk-min-length") ?? 0);
  return {
    location: locationOf(response),
    minChunkBytes: Number.isFinite(minChunkBytes) ? minChunkBytes : 0,
  };
}

/** Where an upload goes on: it may be another URL with each answer. */
function locationOf(response: Response): URL {
  const location = response.headers.get("location") ?? "";
  if (location === "" || !URL.canParse(location, response.url)) {
    throw new NetworkError(
      ErrorCode.BAD_RESPONSE,
      "expected the registry to tell where the upload goes on, it did not",
      {
        path: showUrl(response.url),
        status: response.status,
      },
    );
  }
  return new URL(location, response.url);
}

async function finishUpload(
  client: RegistryClient,
  repository: Repository,
  location: URL,
  digest: string,
  { body, signal }: { body?: Uint8Array; signal?: AbortSignal | undefined },
): Promise<void> {
  const path = new URL(location);
  path.searchParams.set("digest", digest);
  const request = {
    method: "PUT",
    headers: OCTETS,
    signal,
    retry: { retries: 0 },
    headersTimeoutMs: CHUNK_TIMEOUT_MS,
  };
  const target: RegistryTarget = { repository, path, actions: "pull,push" };
  await cancelBody(await client.send(target, body === undefined ? request : { ...request, body }));
}

/** Send all bytes, chunk by chunk. Returns where the upload is to be finished. */
async function sendChunks(
  client: RegistryClient,
  repository: Repository,
  start: URL,
  blob: Source,
  chunkBytes: number,
  signal: AbortSignal | undefined,
): Promise<URL> {
  let location = start;
  let at = 0;
  let isSure = true;
  const send = (method: string, more: object) =>
    client.send(
      { repository, path: location, actions: "pull,push" },
      {
        method,
        signal,
        isIdempotent: true,
        retry: { retries: 0 },
        headersTimeoutMs: CHUNK_TIMEOUT_MS,
        ...more,
      },
    );
  const settle = async (response: Response, sentTo: number): Promise<void> => {
    await cancelBody(response);
    location = locationOf(response);
    at = storedBytes(response, sentTo, blob.size);
  };
  while (at < blob.size) {
    await client.retry(async () => {
      if (!isSure) await settle(await send("GET", {}), 0);
      if (at === blob.size) return;
      isSure = false;
      const body = await readRange(blob, at, Math.min(chunkBytes, blob.size - at), MAX_CHUNK_BYTES);
      const end = at + body.length;
      const headers = { ...OCTETS, "Content-Range": `${at}-${end - 1}` };
      await settle(await send("PATCH", { headers, body }), end);
      isSure = true;
    }, signal);
  }
  return location;
}

/** How much of an upload the registry has. */
function storedBytes(response: Response, sentTo: number, size: number): number {
  const range = response.headers.get("range");
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(range ?? "")?.[1];
  // "0-0" stands for nothing as well as for one byte. Chunks are larger than that.
  const stored = last === undefined || last === "0" ? sentTo : Number(last) + 1;
  if (stored <= size) return stored;
  throw new NetworkError(
    ErrorCode.BAD_RESPONSE,
    `expected at most ${size} bytes in the upload, found ${range}`,
    {
      path: showUrl(response.url),
      status: response.status,
    },
  );
}
