import { ErrorCode, LimitError, NetworkError } from "../errors.ts";
import type { ContentDescriptor } from "../image/index.ts";
import { type JsonObject, JsonShape, parseJson } from "../image/json.ts";
import { showUrl } from "../net/index.ts";
import type { RegistryClient } from "./client.ts";
import { type CallOptions, findManifest, OCI_INDEX_TYPE, putManifest } from "./manifest.ts";
import { formatReference, type Repository } from "./reference.ts";

/** A manifest that refers to another one, as lists of referrers name it. */
export interface Referrer extends ContentDescriptor {
  artifactType: string;
  annotations: Readonly<Record<string, unknown>>;
}

const PAGE_LIMIT_BYTES = 1 << 22;
const MAX_PAGES = 1_000;
const MAX_REFERRERS = 100_000;

/**
 * The manifests of a repository whose `subject` is the manifest of a digest (OCI distribution specification 1.1, "Listing
 * Referrers"): from the registry's referrers API, page by page, or from the index under the tag `sha256-…` where there is
 * none.
 *
 * @param artifactType - only those of this type.
 */
export async function listReferrers(
  client: RegistryClient,
  repository: Repository,
  digest: string,
  { artifactType, signal }: CallOptions & { artifactType?: string | undefined } = {},
): Promise<Referrer[]> {
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  const items: JsonObject[] = [];
  let next: string | URL | undefined = `referrers/${digest}${query}`;
  for (let pages = 0; next !== undefined; pages++) {
    const { response, bytes } = await client.read(
      { repository, path: next },
      { headers: { Accept: OCI_INDEX_TYPE }, alsoAccept: [404], limitBytes: PAGE_LIMIT_BYTES, signal },
    );
    if (response.status === 404) {
      items.push(...(await readFallback(client, repository, digest, { signal })));
      break;
    }
    items.push(...readIndex(bytes, formatReference({ ...repository, digest })));
    if (pages >= MAX_PAGES || items.length > MAX_REFERRERS) {
      throw new LimitError(ErrorCode.COUNT_LIMIT, `expected at most ${MAX_REFERRERS} referrers, found more`, {
        path: formatReference({ ...repository, digest }),
      });
    }
    next = nextPage(response);
  }
  const referrers = items.map((item) => toReferrer(item, formatReference({ ...repository, digest })));
  // A registry may leave the choice to its clients.
  return referrers.filter((referrer) => artifactType === undefined || referrer.artifactType === artifactType);
}

/** The next page that a `Link` header names (RFC 8288). */
function nextPage(response: Response): URL | undefined {
  const link = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(response.headers.get("link") ?? "")?.[1];
  if (link === undefined) return undefined;
  const url = URL.canParse(link, response.url) ? new URL(link, response.url) : undefined;
  if (url !== undefined && url.origin === new URL(response.url).origin) return url;
  throw new NetworkError(ErrorCode.BAD_RESPONSE, "expected the next page of referrers at the same registry", {
    path: showUrl(response.url),
  });
}

function readIndex(bytes: Uint8Array, path: string): JsonObject[] {
  const shape = new JsonShape(path);
  const { manifests } = shape.object(parseJson(bytes, path), "index of referrers");
  return shape.array(manifests ?? [], "manifests").map((item) => shape.object(item, "descriptor"));
}

function toReferrer(item: JsonObject, path: string): Referrer {
  const shape = new JsonShape(path);
  return {
    mediaType: shape.string(item.mediaType, "mediaType of a referrer"),
    digest: shape.string(item.digest, "digest of a referrer"),
    size: shape.size(item.size, "size of a referrer"),
    artifactType: shape.optionalString(item.artifactType, "artifactType of a referrer") ?? "",
    annotations: shape.object(item.annotations ?? {}, "annotations of a referrer"),
  };
}

function fallbackTag(digest: string): string {
  return digest.replace(":", "-").slice(0, 128);
}

async function readFallback(
  client: RegistryClient,
  repository: Repository,
  digest: string,
  options: CallOptions,
): Promise<JsonObject[]> {
  const reference = { host: repository.host, repository: repository.repository, tag: fallbackTag(digest) };
  const found = await findManifest(client, reference, options);
  return found === undefined ? [] : readIndex(found.bytes, formatReference(reference));
}

const MAX_WRITES = 20;
const SETTLE_MS = 200;

/**
 * Name a referrer in the index under the tag `sha256-…`, for a registry without a referrers API ("Referrers Tag Schema").
 *
 * Registries cannot replace a tag under a condition, so that of two writers at once one may undo what the other wrote. Each
 * looks again, a while after it wrote, by chance a longer or a shorter one, and writes anew when its own is gone.
 *
 * @throws {@link NetworkError} `BAD_RESPONSE` when it is gone again and again.
 */
export async function addToFallback(
  client: RegistryClient,
  repository: Repository,
  subject: string,
  referrer: Referrer,
  { signal }: CallOptions = {},
): Promise<void> {
  for (let writes = 0; writes < MAX_WRITES; writes++) {
    const manifests = await readFallback(client, repository, subject, { signal });
    if (manifests.some(({ digest }) => digest === referrer.digest)) return;
    const index = { schemaVersion: 2, mediaType: OCI_INDEX_TYPE, manifests: [...manifests, referrer] };
    await putManifest(client, repository, fallbackTag(subject), index, { signal });
    await client.clock.sleep(SETTLE_MS * (0.5 + (writes + 1) * client.clock.random()), signal);
  }
  throw new NetworkError(
    ErrorCode.BAD_RESPONSE,
    "expected the list of referrers to keep what was added, others replace it again and again; try again later",
    { path: formatReference({ ...repository, tag: fallbackTag(subject) }), isRetryable: true },
  );
}
