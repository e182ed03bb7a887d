import { ErrorCode, NetworkError } from "../errors.ts";
import { readExcerpt } from "./body.ts";
import { showUrl } from "./url.ts";

/**
 * The wait that a `Retry-After` header asks for (RFC 9110, section 10.2.3: seconds or a date), in milliseconds;
 * `undefined` when there is none that can be read.
 *
 * A date is measured against the server's own `Date` where it sends one: a device may not know what time it is.
 */
export function parseRetryAfter(headers: Headers, nowMs = Date.now()): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Dates begin with the day of the week; `Date.parse` takes a lot more for dates.
  const until = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(until)) return undefined;
  const serverNow = Date.parse(headers.get("date") ?? "");
  return Math.max(0, until - (Number.isNaN(serverNow) ? nowMs : serverNow));
}

// 408: the server gave up waiting for the request. 425: it does not want it this early.
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
// By these a server says that it did not begin with the request.
const UNTOUCHED: ReadonlySet<number> = new Set([425, 429, 503]);

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return ErrorCode.UNAUTHORIZED;
  if (status === 404 || status === 410) return ErrorCode.NOT_FOUND;
  if (status === 408) return ErrorCode.TIMEOUT;
  if (status === 429) return ErrorCode.TOO_MANY_REQUESTS;
  return ErrorCode.HTTP_STATUS;
}

const ADVICE: Partial<Record<ErrorCode, string>> = {
  UNAUTHORIZED: "check the credentials and what they allow",
  NOT_FOUND: "check the name",
  TOO_MANY_REQUESTS: "wait and try again",
};

/**
 * The error for an answer whose status is not what was asked for. What the server says about it, if it is short text, is
 * told along.
 *
 * @param isIdempotent - whether the request may be sent again although the server may have carried it out.
 */
export async function statusError(
  response: Response,
  request: { method: string; url: string; isIdempotent: boolean },
): Promise<NetworkError> {
  const { status } = response;
  const code = codeOf(status);
  const said = await readExcerpt(response);
  const advice = ADVICE[code] === undefined ? "" : `; ${ADVICE[code]}`;
  return new NetworkError(
    code,
    `expected success for ${request.method}, found HTTP ${status}${said === "" ? "" : ` (${said})`}${advice}`,
    {
      path: showUrl(request.url),
      status,
      isRetryable: RETRYABLE.has(status) && (request.isIdempotent || UNTOUCHED.has(status)),
      retryAfterMs: parseRetryAfter(response.headers),
    },
  );
}

/** The error for an answer that says that what was asked for is still being made. */
export function notReadyError(response: Response, url: string): NetworkError {
  return new NetworkError(
    ErrorCode.NOT_READY,
    `the server is still making it (HTTP ${response.status}); ask again later`,
    {
      path: showUrl(url),
      status: response.status,
      isRetryable: true,
      retryAfterMs: parseRetryAfter(response.headers),
    },
  );
}
