import { parseDigest } from "../image/digest.ts";

/** A repository of a registry. */
export interface Repository {
  /** `host[:port]`; `docker.io` for Docker Hub. */
  host: string;
  /** `library/redis`. */
  repository: string;
}

/** A name of an image in a registry: with a tag, a digest, or both, of which the digest counts. */
export interface Reference extends Repository {
  tag?: string;
  /** "sha256:…". */
  digest?: string;
}

const HUB = "docker.io";
const MAX_NAME_LENGTH = 255;
// The grammar of the distribution project, which Docker, containerd and skopeo share.
const HOST =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]{1,5})?$/;
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

function refuse(text: string, expected: string): RangeError {
  return new RangeError(`image reference: expected ${expected}, got ${JSON.stringify(text.slice(0, 300))}`);
}

/** Whether the first part of a name is a host rather than a part of the repository's name. */
function isHost(part: string): boolean {
  return /[.:A-Z]/.test(part) || part === "localhost" || part.startsWith("[");
}

/**
 * Parse `[host[:port]/]name[:tag][@digest]`, with or without `docker://` before it, as Docker does: without a host it is
 * Docker Hub, and `library/` is added to a plain name there; without tag and digest the tag is `latest`.
 *
 * @throws RangeError for text of another form; UnsupportedError for digests by other algorithms than SHA-256.
 *
 * @example
 * ```ts
 * parseReference("redis:7"); // { host: "docker.io", repository: "library/redis", tag: "7" }
 * ```
 */
export function parseReference(text: string): Reference {
  let rest = text.replace(/^docker:\/\//, "");
  let digest: string | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = rest.slice(at + 1);
    rest = rest.slice(0, at);
    if (!/^[a-z0-9+._-]+:/.test(digest)) throw refuse(text, "a digest such as sha256:… behind @");
    digest = `sha256:${parseDigest(digest, "image reference")}`;
  }
  let tag: string | undefined;
  const colon = rest.indexOf(":", rest.lastIndexOf("/") + 1);
  if (colon >= 0) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!TAG.test(tag))
      throw refuse(text, "a tag of letters, digits, dots, dashes and underscores, 128 at most");
  }
  const slash = rest.indexOf("/");
  const first = rest.slice(0, Math.max(slash, 0));
  let host = HUB;
  let repository = rest;
  if (isHost(first)) {
    host = first;
    repository = rest.slice(slash + 1);
    if (!HOST.test(host)) throw refuse(text, "a host name, which a port may follow, before the first slash");
  }
  if (host === `index.${HUB}`) host = HUB;
  if (host === HUB && !repository.includes("/")) repository = `library/${repository}`;
  if (!NAME.test(repository) || host.length + 1 + repository.length > MAX_NAME_LENGTH)
    throw refuse(text, "[HOST[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case");
  if (tag === undefined && digest === undefined) tag = "latest";
  return {
    host,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** A reference as text that {@link parseReference} takes, with everything that it adds. */
export function formatReference({ host, repository, tag, digest }: Reference): string {
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
