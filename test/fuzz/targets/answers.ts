/** A server whose answers are the members of a tar: what a fuzzer changes is what comes over the network. */
import type { FetchFunction } from "../../../src/net/index.ts";

/** A member that has status and headers of answers as JSON: by the first part of their names, and by `""` of all. */
export const HEADS = "heads";

/** Requests of one run; a server that sends a client round and round is somewhere unreachable then. */
const MAX_REQUESTS = 300;
/** Statuses whose answers cannot have a body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

type Head = Readonly<Record<string, unknown>>;

function parseHeads(bytes: Uint8Array | undefined): Readonly<Record<string, Head>> {
  try {
    const heads: unknown = JSON.parse(Buffer.from(bytes ?? []).toString());
    return typeof heads === "object" && heads !== null ? (heads as Record<string, Head>) : {};
  } catch {
    return {};
  }
}

/** What of a head can be sent at all. */
function headersOf(...heads: readonly (Head | undefined)[]): Headers {
  const headers = new Headers();
  for (const [name, value] of heads.flatMap((head) => Object.entries(head ?? {}))) {
    try {
      headers.set(name, String(value));
    } catch {
      // A server cannot send it either.
    }
  }
  return headers;
}

function statusOf(head: Head | undefined): number {
  const status = Number(head?.[":status"] ?? 200);
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : 200;
}

/** The part of a body that a request wants. */
function cut(bytes: Uint8Array, range: string | null): { bytes: Uint8Array; isPart: boolean } {
  const from = /^bytes=(\d+)-/.exec(range ?? "")?.[1];
  if (from === undefined) return { bytes, isPart: false };
  return { bytes: bytes.subarray(Math.min(Number(from), bytes.length)), isPart: true };
}

/**
 * A `fetch` that gives members for answers.
 *
 * @param nameOf - of the member that a URL stands for.
 */
export function answerFrom(
  members: ReadonlyMap<string, Uint8Array>,
  nameOf: (url: URL) => string,
): FetchFunction {
  const heads = parseHeads(members.get(HEADS));
  const challenge = members.get("challenge");
  let requests = 0;
  return async (href, init) => {
    if (++requests > MAX_REQUESTS) throw new TypeError("fetch failed");
    const url = new URL(href);
    const name = nameOf(url);
    const asked = new Headers(init.headers);
    const answer = (body: Uint8Array, status: number, headers: Headers): Response => {
      const response = new Response(BODILESS.has(status) ? null : (body as BodyInit), { status, headers });
      // What the runtime's own fetch says, and what is built does not.
      return Object.defineProperty(response, "url", { value: url.href });
    };
    if (challenge !== undefined && name !== "token" && !asked.has("authorization")) {
      const text = Buffer.from(challenge).toString("latin1");
      return answer(new Uint8Array(0), 401, headersOf({ "www-authenticate": text }));
    }
    const found = members.get(name);
    if (found === undefined) return answer(new Uint8Array(0), 404, headersOf(heads[""]));
    const head = heads[name.split("/")[0]!];
    const { bytes, isPart } = cut(found, asked.get("range"));
    const start = found.length - bytes.length;
    const partly = isPart && { "content-range": `bytes ${start}-${found.length - 1}/${found.length}` };
    const status = statusOf(head);
    return answer(bytes, isPart && status === 200 ? 206 : status, headersOf(partly || {}, heads[""], head));
  };
}
