import { toHex } from "../bytes/index.ts";
import { sha256 } from "../hash/index.ts";
import type { EventHub } from "./events.ts";
import { checkImageName, type ImagePolicy, isAppName, isVersion } from "./names.ts";
import { jsonResponse, Problem, retryAfter } from "./problem.ts";
import type { Announcement, Release, ReleaseBook } from "./releases.ts";
import { neededQueryValue, parseNumber, queryNumber, type RequestContext, readJsonBody } from "./request.ts";

/** What answers about releases need. */
export interface ReleaseRouteParts {
  readonly releases: ReleaseBook;
  readonly events: EventHub;
  readonly policy: ImagePolicy;
  readonly maxBodyBytes: number;
  /** Take in a release whose name is checked: nothing when there is no room for more work. */
  readonly announce: (announcement: Announcement) => Promise<Release | undefined>;
}

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const READING_RETRY_MS = 2_000;

/** JSON that a poller gets again only when it has changed. */
function taggedJson({ request }: RequestContext, body: unknown): Response {
  const tag = `"${toHex(sha256(new TextEncoder().encode(JSON.stringify(body))).subarray(0, 16))}"`;
  const headers = { etag: tag, "cache-control": "no-cache" };
  const known = request.headers.get("if-none-match")?.split(",") ?? [];
  if (known.some((item) => item.trim().replace(/^W\//u, "") === tag))
    return new Response(null, { status: 304, headers });
  return jsonResponse(body, { headers });
}

function releaseResponse(release: Release, status: number): Response {
  return release.state === "reading"
    ? jsonResponse(release, { status: 202, headers: retryAfter(READING_RETRY_MS) })
    : jsonResponse(release, { status });
}

/** `POST /v1/releases` */
export async function postRelease({ request }: RequestContext, parts: ReleaseRouteParts): Promise<Response> {
  const { app, version, image } = await readJsonBody(request, parts.maxBodyBytes);
  if (typeof app !== "string" || !isAppName(app))
    throw new Problem(
      400,
      "BAD_REQUEST",
      "app: expected letters, digits, dots, dashes and underscores, not sha256",
    );
  if (typeof version !== "string" || !isVersion(version))
    throw new Problem(
      400,
      "BAD_REQUEST",
      "version: expected letters, digits, dots, dashes, underscores and plus signs",
    );
  if (typeof image !== "string") throw new Problem(400, "BAD_REQUEST", "image: expected a name");
  checkImageName(image, parts.policy);
  const release = await parts.announce({ app, version, image });
  if (release === undefined) {
    throw new Problem(503, "QUEUE_FULL", "too much work is waiting; announce the release again later", {
      headers: retryAfter(30_000),
    });
  }
  return releaseResponse(release, 201);
}

/** `GET /v1/releases?app=&after=&limit=` */
export function getReleases(context: RequestContext, { releases }: ReleaseRouteParts): Response {
  const { url } = context;
  const limit = queryNumber(url, "limit", MAX_PAGE) ?? DEFAULT_PAGE;
  const found = releases.listReady({ app: queryApp(url), after: queryNumber(url, "after") ?? 0, limit });
  return taggedJson(context, { releases: found });
}

/** `GET /v1/releases/{id}` */
export function getRelease({ pathParts }: RequestContext, { releases }: ReleaseRouteParts): Response {
  const release = releases.get(pathParts[0]!);
  if (release === undefined) throw new Problem(404, "NOT_FOUND", "no release has this id");
  return releaseResponse(release, 200);
}

/** `GET /v1/apps/{app}/latest` */
export function getLatest(context: RequestContext, { releases }: ReleaseRouteParts): Response {
  const [latest] = releases.latest(context.pathParts[0]!);
  if (latest === undefined) throw new Problem(404, "NOT_FOUND", "no release of this app is ready");
  return taggedJson(context, latest);
}

/** `GET /v1/events?app=&after=` */
export function getEvents({ request, url, client }: RequestContext, parts: ReleaseRouteParts): Response {
  const app = queryApp(url);
  const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
  const lastId = request.headers.get("last-event-id") ?? undefined;
  const after = parseNumber(lastId, "Last-Event-ID", Number.MAX_SAFE_INTEGER) ?? queryNumber(url, "after");
  if (request.method === "HEAD") return new Response(null, { headers });
  const missed = after === undefined ? [] : parts.releases.listReady({ app, after, limit: MAX_PAGE });
  return new Response(parts.events.listen(app, client, missed), { headers });
}

function queryApp(url: URL): string | undefined {
  if (!url.searchParams.has("app")) return undefined;
  const app = neededQueryValue(url, "app");
  if (!isAppName(app)) throw new Problem(400, "BAD_REQUEST", "app: expected the name of an app");
  return app;
}
