import { ErrorCode, isFlatdeltaError, NetworkError } from "../errors.ts";
import { type BodyOptions, cancelBody, type ReadBodyOptions, readBytes } from "./body.ts";
import { type RetryOptions, withRetries } from "./retry.ts";
import { notReadyError, statusError } from "./status.ts";
import { unreachable } from "./unreachable.ts";
import { parseUrl, showUrl } from "./url.ts";

/** What a request is sent with: the runtime's `fetch`, or something in its place (a proxy, a test). */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** Options of everything that goes over HTTP. */
export interface HttpOptions extends RetryOptions, BodyOptions {
  /** The runtime's `fetch` by default. */
  fetch?: FetchFunction | undefined;
  /** Longest wait for the head of an answer, from the beginning of the request: 30,000 by default. */
  headersTimeoutMs?: number | undefined;
}

/** One request, and how to send it. */
export interface RequestOptions extends HttpOptions {
  /** `GET` by default. */
  method?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as it is, again with each attempt. */
  body?: string | Uint8Array | undefined;
  /** Statuses besides 2xx whose answers are returned. */
  alsoAccept?: readonly number[] | undefined;
  /** Statuses that say "still being made": they end the request with `NOT_READY` at once, for the caller to ask again. */
  notReady?: readonly number[] | undefined;
  /**
   * Whether the request may be sent again when nobody knows if it was carried out. All but `POST` and `PATCH` by default;
   * these are repeated only when the server says that it did not begin with them (425, 429, 503).
   */
  isIdempotent?: boolean | undefined;
}

const DEFAULT_HEADERS_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Headers that are meant for one server alone. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

/**
 * Send a request until it is answered as it should be, at most as often as the policy says. The body of the answer is the
 * caller's to read or to cancel ({@link cancelBody}).
 *
 * Redirects are followed, ten at most, from `https:` to `https:` only; credentials do not follow to another origin.
 *
 * @throws {@link NetworkError} `UNREACHABLE`, `TIMEOUT`, `UNAUTHORIZED` (401, 403), `NOT_FOUND` (404, 410),
 * `TOO_MANY_REQUESTS` (429), `HTTP_STATUS` (any other), `NOT_READY` when it was asked for, `BAD_RESPONSE` for redirects
 * that lead nowhere; TypeError for a URL that is none; the reason of the signal when that is aborted.
 *
 * @example
 * ```ts
 * const response = await sendRequest("https://updates.example.com/v1/health", { headersTimeoutMs: 5_000 });
 * await cancelBody(response);
 * ```
 */
export async function sendRequest(url: string | URL, options: RequestOptions = {}): Promise<Response> {
  const parsed = parseUrl(url);
  return withRetries(() => sendOnce(parsed, options), options);
}

/**
 * Send a request and read the whole answer; a body that breaks off is asked for again.
 *
 * @throws as {@link sendRequest} and {@link readBytes}.
 */
export async function requestBytes(
  url: string | URL,
  options: RequestOptions & ReadBodyOptions,
): Promise<{ response: Response; bytes: Uint8Array }> {
  const parsed = parseUrl(url);
  return withRetries(async () => {
    const response = await sendOnce(parsed, options);
    return { response, bytes: await readBytes(response, options) };
  }, options);
}

interface Request {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
}

/** One attempt, through any redirects. */
export async function sendOnce(url: URL, options: RequestOptions): Promise<Response> {
  const { method = "GET", headers = {}, body, alsoAccept = [], notReady = [] } = options;
  const { isIdempotent = method !== "POST" && method !== "PATCH" } = options;
  let request: Request = { url, method, headers, body };
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(request, options, isIdempotent);
    const { status } = response;
    if (alsoAccept.includes(status)) return response;
    if (notReady.includes(status)) {
      await cancelBody(response);
      throw notReadyError(response, request.url.href);
    }
    if (response.ok) return response;
    const location = REDIRECTS.has(status) ? response.headers.get("location") : null;
    if (location === null) {
      throw await statusError(response, { method: request.method, url: request.url.href, isIdempotent });
    }
    await cancelBody(response);
    if (redirects === MAX_REDIRECTS)
      throw badRedirect(request.url, `expected at most ${MAX_REDIRECTS} redirects, found more`);
    request = redirect(request, status, location);
  }
}

function badRedirect(url: URL, message: string): NetworkError {
  return new NetworkError(ErrorCode.BAD_RESPONSE, message, { path: showUrl(url) });
}

function redirect(request: Request, status: number, location: string): Request {
  if (!URL.canParse(location, request.url))
    throw badRedirect(request.url, "expected a URL to be redirected to, found something else");
  const url = new URL(location, request.url);
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && request.url.protocol === "http:");
  if (!isSafe) {
    throw badRedirect(
      request.url,
      `expected a redirect to ${request.url.protocol}, found one to ${url.protocol}`,
    );
  }
  const isSameOrigin = url.origin === request.url.origin;
  const headers = Object.entries(request.headers).filter(
    ([name]) => isSameOrigin || !CREDENTIALS.has(name.toLowerCase()),
  );
  url.username = "";
  url.password = "";
  // The Fetch standard's rule: what answers a POST is fetched.
  const becomesGet = status === 303 ? request.method !== "HEAD" : status < 303 && request.method === "POST";
  return {
    url,
    method: becomesGet ? "GET" : request.method,
    headers: Object.fromEntries(headers),
    body: becomesGet ? undefined : request.body,
  };
}

/** One request and the head of its answer. */
async function exchange(request: Request, options: RequestOptions, isIdempotent: boolean): Promise<Response> {
  const { fetch = globalThis.fetch, headersTimeoutMs = DEFAULT_HEADERS_TIMEOUT_MS, signal } = options;
  signal?.throwIfAborted();
  const path = showUrl(request.url);
  const attempt = new AbortController();
  const timer = setTimeout(() => {
    attempt.abort(
      new NetworkError(ErrorCode.TIMEOUT, `expected an answer within ${headersTimeoutMs} ms, found none`, {
        path,
        isRetryable: isIdempotent,
      }),
    );
  }, headersTimeoutMs);
  const { method, headers, body } = request;
  const init: RequestInit = {
    method,
    headers,
    redirect: "manual",
    signal: signal === undefined ? attempt.signal : AbortSignal.any([attempt.signal, signal]),
  };
  if (body !== undefined) init.body = body as BodyInit;
  try {
    const response = await fetch(request.url.href, init);
    // A browser shows redirects to nobody; it drops credentials on its own.
    return response.type === "opaqueredirect"
      ? await fetch(request.url.href, { ...init, redirect: "follow" })
      : response;
  } catch (error) {
    signal?.throwIfAborted();
    if (attempt.signal.aborted) throw attempt.signal.reason;
    if (isFlatdeltaError(error)) throw error;
    throw unreachable(error, request.url, "the server cannot be reached", isIdempotent);
  } finally {
    clearTimeout(timer);
  }
}
