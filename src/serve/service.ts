import { AccessControl, RateLimit, type Right } from "./access.ts";
import { getBalenaDelta, getDelta, getDeltaFile, getDeltaInfo, getImage } from "./delta-routes.ts";
import { formatMetrics } from "./metrics.ts";
import { type DeltaServiceOptions, fillServiceLimits } from "./options.ts";
import { jsonResponse, Problem, problemResponse, retryAfter } from "./problem.ts";
import { getEvents, getLatest, getRelease, getReleases, postRelease } from "./release-routes.ts";
import type { RequestContext } from "./request.ts";
import { openWorkshop, type Workshop } from "./workshop.ts";

/** Who sent a request, as far as the server knows. */
export interface Peer {
  /** Address of the client, which its limits count for. */
  readonly address?: string | undefined;
}

/** A delta service: see {@link createDeltaService}. */
export interface DeltaService {
  /** Answer a request. Never rejects: what goes wrong inside is answered with 500 and told to `onEvent`. */
  handle(request: Request, peer?: Peer): Promise<Response>;
  /** End listening, stop what is being made and wait for it. Requests are answered with 503 from now on. */
  close(): Promise<void>;
}

interface Route {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly right: Right | undefined;
  readonly answer: (context: RequestContext) => Response | Promise<Response>;
}

const DIGEST = "(sha256:[0-9a-f]{64})";
const route = (
  method: Route["method"],
  path: string,
  right: Right | undefined,
  answer: Route["answer"],
): Route => ({
  method,
  path: new RegExp(`^${path}$`, "u"),
  right,
  answer,
});

function listRoutes(shop: Workshop): readonly Route[] {
  const health = (): Response => jsonResponse({ status: "ok" });
  const metrics = (): Response =>
    new Response(formatMetrics(shop.metrics), {
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" },
    });
  return [
    route("GET", "/v1/delta", "read", (context) => getDelta(context, shop)),
    route("GET", "/v1/delta/info", "read", (context) => getDeltaInfo(context, shop)),
    route("GET", `/v1/deltas/${DIGEST}`, "read", (context) => getDeltaFile(context, shop)),
    route("GET", `/v1/images/${DIGEST}`, "read", (context) => getImage(context, shop)),
    route("GET", "/api/v2/delta", "read", (context) => getBalenaDelta(context, shop)),
    route("POST", "/v1/releases", "write", (context) => postRelease(context, shop)),
    route("GET", "/v1/releases", "read", (context) => getReleases(context, shop)),
    route("GET", "/v1/releases/([0-9a-f]{16})", "read", (context) => getRelease(context, shop)),
    route("GET", "/v1/apps/([A-Za-z0-9._-]{1,128})/latest", "read", (context) => getLatest(context, shop)),
    route("GET", "/v1/events", "read", (context) => getEvents(context, shop)),
    route("GET", "/metrics", "read", metrics),
    route("GET", "/healthz", undefined, health),
  ];
}

/**
 * A service that announces releases to devices and gives them deltas, as a function from the web's `Request` to its
 * `Response`: for node:http (`serveHttp` of `flatdelta/serve/node`) and for every framework that speaks these. docs/SERVICE.md
 * has the protocol.
 *
 * A delta is made when the first device asks for it, once however many ask, behind their backs: they are told to ask again.
 * What was made is kept in the store and is there after a restart.
 *
 * ```ts
 * const store = await createFolderStore("/var/lib/flatdelta");
 * const maker = createProcessMaker({ imagesFolder: "/srv/images" });
 * const tokens = [{ token: process.env.TOKEN!, right: "write" }] as const;
 * const service = await createDeltaService({ store, maker, tokens, images: { files: true } });
 * const server = await serveHttp(service, { port: 8080 });
 * ```
 *
 * @throws RangeError for a limit or token that cannot be; the store's errors.
 */
export async function createDeltaService(options: DeltaServiceOptions): Promise<DeltaService> {
  const limits = fillServiceLimits(options.limits);
  const access = new AccessControl(options.tokens ?? []);
  const rate = new RateLimit(limits.requestsPerMinute);
  const now = options.now ?? Date.now;
  const shop = await openWorkshop(options, { limits, isPublic: !access.isReadingProtected, now });
  const routes = listRoutes(shop);

  async function answer(request: Request, peer: Peer): Promise<Response> {
    if (shop.signal.aborted)
      throw new Problem(503, "CLOSING", "the service is closing", { headers: retryAfter(10_000) });
    if (request.url.length > limits.maxUrlLength)
      throw new Problem(414, "TOO_LARGE", `expected a URL of at most ${limits.maxUrlLength} characters`);
    const url = new URL(request.url);
    const fitting = routes.filter(({ path }) => path.test(url.pathname));
    const method = request.method === "HEAD" ? "GET" : request.method;
    const found = fitting.find((candidate) => candidate.method === method);
    const address = peer.address ?? "unknown";
    // Before the token is looked at, so that guessing tokens is limited too.
    if (found === undefined || found.right !== undefined) rate.take(address, now());
    access.check(request.headers, found === undefined ? "read" : found.right);
    if (found === undefined) throw noRoute(fitting);
    const pathParts = found.path.exec(url.pathname)!.slice(1);
    return found.answer({ request, url, pathParts, client: address });
  }

  return {
    handle: async (request, peer = {}) => {
      const startMs = performance.now();
      let response: Response;
      try {
        response = await answer(request, peer);
      } catch (error) {
        response = problemResponse(error instanceof Problem ? error : unexpected(error));
      }
      shop.metrics.flatdelta_requests_total.add(1, String(response.status));
      shop.metrics.flatdelta_request_seconds.observe((performance.now() - startMs) / 1000);
      if (request.method !== "HEAD" || response.body === null) return response;
      await response.body.cancel();
      return new Response(null, response);
    },
    close: () => shop.close(),
  };

  function unexpected(error: unknown): Problem {
    options.onEvent?.({ event: "request-failed", message: String(error) });
    return new Problem(500, "INTERNAL", "the service failed; its log says why");
  }
}

function noRoute(fitting: readonly Route[]): Problem {
  if (fitting.length === 0) return new Problem(404, "NOT_FOUND", "the service has nothing under this path");
  const methods = fitting.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return new Problem(405, "METHOD_NOT_ALLOWED", `expected the method ${methods.join(" or ")}`, {
    headers: { allow: methods.join(", ") },
  });
}
