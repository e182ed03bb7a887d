import { ErrorCode, MismatchError, NetworkError } from "../errors.ts";

/** What is known of the bytes behind a URL, so that a download that goes on later is of the same bytes. */
export interface RemoteIdentity {
  /** Size of the whole in bytes, where the server told. */
  totalBytes: number | undefined;
  /** What tells versions apart: the strong `ETag`, else `Last-Modified`. */
  validator: string | undefined;
}

/** What the body of an answer holds of the whole. */
export interface BodyRange {
  /** Offset of its first byte. */
  start: number;
  /** Offset behind its last byte, where the answer tells. */
  end: number | undefined;
  totalBytes: number | undefined;
}

/** Headers that ask for everything from `offset` on, if it is still the same. */
export function rangeHeaders(offset: number, validator: string | undefined): Record<string, string> {
  // Coded bodies have other lengths and offsets than what was asked for.
  const headers: Record<string, string> = { "Accept-Encoding": "identity" };
  if (offset === 0) return headers;
  headers.Range = `bytes=${offset}-`;
  if (validator !== undefined) headers["If-Range"] = validator;
  return headers;
}

/** What tells versions apart and may be sent in `If-Range` (RFC 9110, section 13.1.5): weak tags may not. */
export function validatorOf(headers: Headers): string | undefined {
  const etag = headers.get("etag");
  if (etag !== null && !etag.startsWith("W/")) return etag;
  return headers.get("last-modified") ?? undefined;
}

/** The error for an answer that does not fit the request. */
export function badAnswer(response: Response, path: string, expected: string, actual: string): NetworkError {
  return new NetworkError(
    ErrorCode.BAD_RESPONSE,
    `expected ${expected}, found ${actual}; the server, or a proxy before it, answers wrongly`,
    { path, status: response.status, expected, actual },
  );
}

function parseLength(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const length = Number(text);
  return Number.isSafeInteger(length) ? length : undefined;
}

/**
 * What part of the whole an answer to a request for the bytes from `offset` on brings: all of it where the server has no
 * ranges, nothing where the whole ends at `offset`.
 *
 * @throws {@link NetworkError} `BAD_RESPONSE` for another range or a coded body; {@link MismatchError} `SOURCE_CHANGED`
 * when there are other bytes behind the URL than before.
 */
export function readBodyRange(
  response: Response,
  offset: number,
  known: RemoteIdentity,
  path: string,
): BodyRange {
  const range = parseRange(response, offset, path);
  const changes: [before: unknown, now: unknown][] = [
    [known.totalBytes, range.totalBytes],
    [known.validator, sameKindOfValidator(response.headers, known.validator)],
  ];
  for (const [before, now] of changes) {
    if (before !== undefined && now !== undefined && before !== now) {
      throw new MismatchError(
        ErrorCode.SOURCE_CHANGED,
        `expected ${before} as before, found ${now}: the file on the server is another one now; begin anew`,
        { path, expected: String(before), actual: String(now) },
      );
    }
  }
  return range;
}

/** The answer's header that `validator` was taken from. */
function sameKindOfValidator(headers: Headers, validator: string | undefined): string | undefined {
  const name = validator?.startsWith('"') ? "etag" : "last-modified";
  return headers.get(name) ?? undefined;
}

function parseRange(response: Response, offset: number, path: string): BodyRange {
  const { status, headers } = response;
  const coding = headers.get("content-encoding");
  if (coding !== null && coding !== "identity")
    throw badAnswer(response, path, "a body as it is", `one coded by ${coding}`);
  if (status === 200) {
    const totalBytes = parseLength(headers.get("content-length"));
    return { start: 0, end: totalBytes, totalBytes };
  }
  const found = headers.get("content-range") ?? "none";
  if (status === 416) {
    const totalBytes = parseLength(/^bytes \*\/(\d+)$/.exec(found)?.[1]);
    if (totalBytes === offset) return { start: offset, end: offset, totalBytes };
    throw badAnswer(response, path, `at least ${offset} bytes`, `range ${found}`);
  }
  const match = status === 206 ? /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(found) : null;
  const [start, last] = [parseLength(match?.[1]), parseLength(match?.[2])];
  const totalBytes = parseLength(match?.[3]);
  if (
    start !== offset ||
    last === undefined ||
    last < start ||
    last >= (totalBytes ?? Number.MAX_SAFE_INTEGER)
  ) {
    throw badAnswer(response, path, `the bytes from ${offset} on`, `status ${status} and range ${found}`);
  }
  return { start, end: last + 1, totalBytes };
}
