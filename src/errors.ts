/**
 * Every error that flatdelta throws on purpose. Policy decides by `code`, people read `message`.
 *
 * Wrong arguments (a caller's bug) are plain `TypeError` or `RangeError`; errors of the operating system pass
 * through as they are; cancellation rejects with the reason of the `AbortSignal`.
 *
 * @module
 */

/** The stable codes. A code is never reused for another meaning. */
export const ErrorCode = {
  /** The file does not start with the magic of the expected kind. */
  BAD_MAGIC: "BAD_MAGIC",
  /** The input ends before its own lengths say it may. */
  TRUNCATED: "TRUNCATED",
  /** A header field has an impossible value, or the header's checksum is wrong. */
  CORRUPT_HEADER: "CORRUPT_HEADER",
  /** The body contradicts itself: an impossible op, length, checksum or compressed segment. */
  CORRUPT_BODY: "CORRUPT_BODY",
  /** Bytes follow the end of the file's own structure. */
  TRAILING_DATA: "TRAILING_DATA",
  /** The format version is newer than this reader. */
  UNSUPPORTED_VERSION: "UNSUPPORTED_VERSION",
  /** The file needs a codec that this runtime does not have. */
  UNSUPPORTED_CODEC: "UNSUPPORTED_CODEC",
  /** The file, the image or the platform needs something that this version cannot do. */
  UNSUPPORTED_FEATURE: "UNSUPPORTED_FEATURE",
  /** The basis at hand is not the one the delta was made against. Nothing was written. */
  BASIS_MISMATCH: "BASIS_MISMATCH",
  /** The bytes that were made are not the target. They must not be used. */
  TARGET_MISMATCH: "TARGET_MISMATCH",
  /** A basis or target changed while it was being read. */
  SOURCE_CHANGED: "SOURCE_CHANGED",
  /** A declared or actual size is over the limit that the caller set. */
  SIZE_LIMIT: "SIZE_LIMIT",
  /** Working on the input would take more memory than the caller allows. */
  MEMORY_LIMIT: "MEMORY_LIMIT",
  /** More ops, entries, layers or levels than the caller allows. */
  COUNT_LIMIT: "COUNT_LIMIT",
  /** Not enough free space for the result or the scratch files. */
  NO_SPACE: "NO_SPACE",
  /** Another process is changing the target. */
  IN_USE: "IN_USE",
  /** Another update of the target was interrupted. It must be completed first. */
  UPDATE_PENDING: "UPDATE_PENDING",
  /** What an interrupted update left behind does not belong to the target, or is damaged: a whole pull is needed. */
  BAD_STATE: "BAD_STATE",
  /** No image is found under the name, or the name fits several. */
  IMAGE_NOT_FOUND: "IMAGE_NOT_FOUND",
  /** The image's manifest, index or config is not what the specification asks for. */
  BAD_MANIFEST: "BAD_MANIFEST",
  /** A file that the image's manifest names is missing. */
  MISSING_BLOB: "MISSING_BLOB",
  /** A blob or layer does not have the digest that its image names. */
  DIGEST_MISMATCH: "DIGEST_MISMATCH",
  /** A compressed layer cannot be decompressed. */
  BAD_COMPRESSION: "BAD_COMPRESSION",
  /** A tar header or extended header is malformed. */
  BAD_TAR_HEADER: "BAD_TAR_HEADER",
  /** A worker thread ended before its work was done: mostly for want of memory. */
  WORKER_FAILED: "WORKER_FAILED",
  /** No answer: the server cannot be reached, or the connection broke. Trying again may help. */
  UNREACHABLE: "UNREACHABLE",
  /** The server took longer than the caller allows. Trying again may help. */
  TIMEOUT: "TIMEOUT",
  /** The server wants other credentials (HTTP 401), or these are not allowed to (403). */
  UNAUTHORIZED: "UNAUTHORIZED",
  /** The server does not have it (HTTP 404, 410). */
  NOT_FOUND: "NOT_FOUND",
  /** The server makes it still: ask again later. */
  NOT_READY: "NOT_READY",
  /** The server wants fewer requests (HTTP 429). */
  TOO_MANY_REQUESTS: "TOO_MANY_REQUESTS",
  /** Another HTTP status than the protocol has for the request. */
  HTTP_STATUS: "HTTP_STATUS",
  /** The server's answer is not what the protocol asks for: another length or type, or text that cannot be read. */
  BAD_RESPONSE: "BAD_RESPONSE",
  /** An entry's path or link would leave the root of the image. */
  UNSAFE_PATH: "UNSAFE_PATH",
  /** A layer holds an entry that cannot be merged (a hard link to nothing, an unknown type). */
  BAD_ENTRY: "BAD_ENTRY",
} as const;

/** One of the stable codes. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** What an error may carry beside its message. */
export interface ErrorDetails {
  /** Byte offset in the file that was being read. */
  offset?: number;
  /** Name of the file, blob or entry that was being read. */
  path?: string;
  /** What was expected, in the form it is shown (a digest, a length). */
  expected?: string;
  /** What was found, in the same form. */
  actual?: string;
  /** The error behind this one. */
  cause?: unknown;
}

// `Symbol.for` so that `isFlatdeltaError` holds across two copies of the package in one process.
const BRAND: unique symbol = Symbol.for("flatdelta.error") as never;

/** Base class of all errors that flatdelta throws on purpose. */
export class FlatdeltaError extends Error {
  override name = "FlatdeltaError";
  /** The stable code, for policy. */
  readonly code: ErrorCode;
  readonly offset?: number;
  readonly path?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** @internal */
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const where =
      (details.path === undefined ? "" : ` in ${details.path}`) +
      (details.offset === undefined ? "" : ` at byte ${details.offset}`);
    super(message + where, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.offset !== undefined) this.offset = details.offset;
    if (details.path !== undefined) this.path = details.path;
    if (details.expected !== undefined) this.expected = details.expected;
    if (details.actual !== undefined) this.actual = details.actual;
  }
}

/** A delta or signature is damaged: whoever made or moved the file can act. */
export class FormatError extends FlatdeltaError {
  override name = "FormatError";
}

/** The file or the task is sound, but this version or runtime cannot handle it. */
export class UnsupportedError extends FlatdeltaError {
  override name = "UnsupportedError";
}

/** Bytes are not those that were named: another basis, or a whole pull, is needed. */
export class MismatchError extends FlatdeltaError {
  override name = "MismatchError";
}

/** A limit was exceeded; raise it knowingly or refuse the input. */
export class LimitError extends FlatdeltaError {
  override name = "LimitError";
}

/** Not enough space. Nothing was changed. */
export class SpaceError extends FlatdeltaError {
  override name = "SpaceError";
}

/** The target cannot be changed now: another process or an interrupted update stands in the way. */
export class StateError extends FlatdeltaError {
  override name = "StateError";
}

/** The input image is invalid: whoever produced the image can act. */
export class ImageError extends FlatdeltaError {
  override name = "ImageError";
}

/** What a {@link NetworkError} carries beside its message. */
export interface NetworkErrorDetails extends ErrorDetails {
  /** HTTP status, when there was an answer. */
  status?: number | undefined;
  /** Whether the same request may succeed later. */
  isRetryable?: boolean;
  /** How long the server asks to wait before the next request. */
  retryAfterMs?: number | undefined;
}

/** A server cannot be reached, or does not give what it was asked for. */
export class NetworkError extends FlatdeltaError {
  override name = "NetworkError";
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  /** Whether the same request may succeed later. */
  readonly isRetryable: boolean;
  /** How long the server asks to wait before the next request. */
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, details: NetworkErrorDetails = {}) {
    super(code, message, details);
    this.isRetryable = details.isRetryable ?? false;
    if (details.status !== undefined) this.status = details.status;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/** Whether `value` is an error of flatdelta, even of another copy of the package. */
export function isFlatdeltaError(value: unknown): value is FlatdeltaError {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/** The stable code that anything thrown carries, whatever its class; `UNEXPECTED` when it has none. */
export function errorCodeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "UNEXPECTED";
}

/** The text of anything thrown. */
export function errorMessageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
