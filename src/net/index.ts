/**
 * HTTP over the runtime's `fetch`: time-outs, retries with back-off, limits on what is read into memory, and downloads that
 * go on where they broke off. Platform-neutral.
 *
 * @module
 */
export {
  type BodyOptions,
  cancelBody,
  type ReadBodyOptions,
  readBytes,
  readJson,
  readPieces,
  readText,
} from "./body.ts";
export { type Download, type DownloadOptions, openDownload } from "./download.ts";
export {
  type FetchFunction,
  type HttpOptions,
  type RequestOptions,
  requestBytes,
  sendRequest,
} from "./request.ts";
export {
  Backoff,
  type Clock,
  type RetryOptions,
  type RetryPolicy,
  systemClock,
  withRetries,
} from "./retry.ts";
export { parseRetryAfter } from "./status.ts";
export { showUrl } from "./url.ts";
