import { isDigest } from "../image/digest.ts";
import type { DeltaDesk, DeltaRecord, DeltaState } from "./deltas.ts";
import type { ServiceMetrics } from "./metrics.ts";
import { parseIdentity } from "./names.ts";
import { jsonResponse, Problem, retryAfter } from "./problem.ts";
import { isReady, type ReadyRelease, type Release, type ReleaseBook } from "./releases.ts";
import { neededQueryValue, type RequestContext } from "./request.ts";
import { sendFile } from "./send.ts";
import type { PinnedFile } from "./shelf.ts";

/** What answers about deltas need. */
export interface DeltaRouteParts {
  readonly releases: ReleaseBook;
  readonly deltas: DeltaDesk;
  readonly metrics: ServiceMetrics;
  /** Whether shared caches may keep what is sent: not when reading needs a token. */
  readonly isPublic: boolean;
  /** Open a release's flat image if it is there; else have it made and return nothing. */
  readonly openImage: (release: ReadyRelease) => Promise<PinnedFile | undefined>;
}

const MAKING_RETRY_MS = 2_000;
const FULL_RETRY_MS = 15_000;
const IMMUTABLE = "max-age=31536000, immutable";

/** Both ends of a delta that is asked for. */
interface Pair {
  readonly basis: ReadyRelease;
  readonly target: ReadyRelease;
  /** Whether the request names both by digest, so that its answer never changes. */
  readonly isFixed: boolean;
}

const notReady = (): Problem =>
  new Problem(202, "NOT_READY", "what this takes is still being read; ask again later", {
    headers: retryAfter(MAKING_RETRY_MS),
    details: { state: "reading", progress: 0 },
  });

function expectReady(
  release: Release | undefined,
  code: "NO_BASIS" | "NO_TARGET",
  what: string,
): ReadyRelease {
  if (release?.state === "reading") throw notReady();
  if (release === undefined || !isReady(release))
    throw new Problem(404, code, `${what}: no release that this service has read is this image`);
  return release;
}

function findPair({ url }: RequestContext, { releases }: DeltaRouteParts): Pair {
  const [src, dest] = [neededQueryValue(url, "src"), neededQueryValue(url, "dest")];
  const [from, to] = [parseIdentity(src, "src"), parseIdentity(dest, "dest")];
  return {
    target: expectReady(releases.find(to), "NO_TARGET", "dest"),
    basis: expectReady(releases.find(from), "NO_BASIS", "src"),
    isFixed: isDigest(src) && isDigest(dest),
  };
}

/** A file that was there a moment ago, and is made again if it is not any more. */
function expectThere(pinned: PinnedFile | undefined): PinnedFile {
  if (pinned === undefined) throw notReady();
  return pinned;
}

/** What a device is told of a delta that it cannot have now. */
function refuse(state: DeltaState, target: ReadyRelease): Problem {
  switch (state.state) {
    case "pull-is-cheaper":
      return new Problem(422, "PULL_IS_CHEAPER", "the delta is no smaller than a pull of the image", {
        details: { deltaBytes: state.delta.deltaBytes, pullBytes: target.pullBytes ?? 0 },
      });
    case "failed":
      return new Problem(500, "FAILED", "the delta could not be made; it is tried again later", {
        headers: retryAfter(state.retryAfterMs),
      });
    case "refused":
      return new Problem(503, "QUEUE_FULL", "too many deltas are waiting to be made; ask again later", {
        headers: retryAfter(FULL_RETRY_MS),
      });
    case "waiting":
    case "making":
      return new Problem(202, "NOT_READY", "the delta is still being made; ask again later", {
        headers: retryAfter(MAKING_RETRY_MS),
        details: {
          state: state.state,
          progress: state.progress,
          ...(state.phase === undefined ? {} : { phase: state.phase }),
        },
      });
    case "ready":
      throw new TypeError("expected a delta that cannot be had, this one is ready");
  }
}

/** `GET /v1/delta?src=&dest=` */
export async function getDelta(context: RequestContext, parts: DeltaRouteParts): Promise<Response> {
  const { basis, target, isFixed } = findPair(context, parts);
  const state = parts.deltas.ask(basis, target);
  if (state.state !== "ready") {
    if (state.state === "waiting" || state.state === "making")
      parts.metrics.flatdelta_delta_waits_total.add();
    throw refuse(state, target);
  }
  return sendDelta(context, parts, state.delta, isFixed);
}

/** `GET /v1/deltas/{digest}` */
export async function getDeltaFile(context: RequestContext, parts: DeltaRouteParts): Promise<Response> {
  const delta = parts.deltas.find(context.pathParts[0]!);
  if (delta === undefined) throw new Problem(404, "NOT_FOUND", "no delta has this digest");
  return sendDelta(context, parts, delta, true);
}

/** `GET /v1/delta/info?src=&dest=` */
export function getDeltaInfo(context: RequestContext, parts: DeltaRouteParts): Response {
  const { basis, target } = findPair(context, parts);
  const state = parts.deltas.ask(basis, target);
  if (state.state !== "ready" && state.state !== "pull-is-cheaper") throw refuse(state, target);
  const { deltaBytes, digest } = state.delta;
  return jsonResponse({
    state: state.state,
    basis: basis.flatDigest,
    target: target.flatDigest,
    targetBytes: target.flatBytes,
    deltaBytes,
    digest,
    pullBytes: target.pullBytes,
  });
}

/** `GET /api/v2/delta?src=&dest=`: balena's form of the question. */
export function getBalenaDelta(context: RequestContext, parts: DeltaRouteParts): Response {
  const { basis, target } = findBalenaPair(context, parts);
  const state = parts.deltas.ask(basis, target);
  if (state.state === "ready") {
    return new Response(null, {
      status: 302,
      headers: { location: `/v1/deltas/${state.delta.digest}`, "cache-control": "no-store" },
    });
  }
  throw asGatewayTimeout(refuse(state, target));
}

function findBalenaPair(context: RequestContext, parts: DeltaRouteParts): Pair {
  try {
    return findPair(context, parts);
  } catch (error) {
    throw error instanceof Problem ? asGatewayTimeout(error) : error;
  }
}

/** balena's devices take 504 for "still processing", and know no 202. */
function asGatewayTimeout(problem: Problem): Problem {
  if (problem.status !== 202) return problem;
  return new Problem(504, problem.code, problem.message, {
    headers: problem.headers,
    details: problem.details,
  });
}

/** `GET /v1/images/{digest}`: the flat image, for devices that have no other way to a whole image. */
export async function getImage(context: RequestContext, parts: DeltaRouteParts): Promise<Response> {
  const { releases, metrics } = parts;
  const digest = context.pathParts[0]!;
  const release = expectReady(releases.find({ digest }), "NO_TARGET", "image");
  return sendFile(context.request, {
    digest: release.flatDigest,
    sizeBytes: release.flatBytes,
    headers: { "cache-control": cacheControl(parts, digest === release.flatDigest) },
    open: async () => expectThere(await parts.openImage(release)),
    onSent: (bytes) => metrics.flatdelta_sent_bytes_total.add(bytes),
  });
}

async function sendDelta(
  context: RequestContext,
  parts: DeltaRouteParts,
  delta: DeltaRecord,
  isFixed: boolean,
): Promise<Response> {
  const { deltas, metrics } = parts;
  metrics.flatdelta_delta_hits_total.add();
  return sendFile(context.request, {
    digest: delta.digest,
    sizeBytes: delta.deltaBytes,
    headers: {
      "cache-control": cacheControl(parts, isFixed),
      "x-flatdelta-basis": delta.basis,
      "x-flatdelta-target": delta.target,
    },
    open: async () => expectThere(await deltas.pin(delta)),
    onSent: (bytes, isLast) => {
      metrics.flatdelta_sent_bytes_total.add(bytes);
      if (isLast)
        metrics.flatdelta_saved_bytes_total.add(Math.max(0, (delta.pullBytes ?? 0) - delta.deltaBytes));
    },
  });
}

function cacheControl({ isPublic }: DeltaRouteParts, isFixed: boolean): string {
  return `${isPublic ? "public" : "private"}, ${isFixed ? IMMUTABLE : "no-cache"}`;
}
