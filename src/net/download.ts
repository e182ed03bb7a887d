import { ErrorCode, NetworkError } from "../errors.ts";
import type { ByteStream } from "../io/index.ts";
import { cancelBody, readPieces } from "./body.ts";
import { type BodyRange, badAnswer, rangeHeaders, readBodyRange, validatorOf } from "./range.ts";
import { type HttpOptions, sendOnce } from "./request.ts";
import { Backoff } from "./retry.ts";
import { parseUrl, showUrl } from "./url.ts";

/** Options of {@link openDownload}. */
export interface DownloadOptions extends HttpOptions {
  headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes at the beginning that the caller has already: 0 by default. */
  offset?: number | undefined;
  /** Of an earlier download: what those bytes are a part of. */
  validator?: string | undefined;
  /** Size of the whole, where the caller knows it. */
  expectedBytes?: number | undefined;
  /** Statuses that say "still being made": see `RequestOptions.notReady`. */
  notReady?: readonly number[] | undefined;
}

/** Bytes on their way from a server, as a stream that is read once. */
export interface Download extends ByteStream {
  /** Offset of the first byte of the stream: that of the options. */
  readonly offset: number;
  /** Size of the whole; `undefined` when neither server nor caller tells. */
  readonly totalBytes: number | undefined;
  /** Tells versions of the file apart; keep it to go on in another process. */
  readonly validator: string | undefined;
  /** Of the first answer. */
  readonly headers: Headers;
  /** Requests that were sent to go on where a connection broke. */
  readonly resumeCount: number;
  /** Let go of the connection, if the stream is not read to its end. */
  close(): Promise<void>;
}

/**
 * Begin to download what is behind a URL. Where a connection breaks or stands still the stream goes on by itself with
 * another request, for the rest of the same file (`Range` and `If-Range`, RFC 9110); from a server without ranges it reads
 * what it has once more and drops it. Attempts are counted from zero again whenever bytes arrive.
 *
 * The stream ends when the whole is there and never gives more than that; it is read at the consumer's pace.
 *
 * @throws {@link NetworkError} as `sendRequest`, `BAD_RESPONSE` for another length than was announced, or another range
 * than was asked for; {@link MismatchError} `SOURCE_CHANGED` when there is another file behind the URL than before: what was
 * had of it is of no use. The stream rejects with the same.
 *
 * @example
 * ```ts
 * const download = await openDownload("https://cdn.example.com/app.delta", { offset: partBytes, validator });
 * for await (const piece of download) await file.write(piece);
 * ```
 */
export async function openDownload(url: string | URL, options: DownloadOptions = {}): Promise<Download> {
  const { offset = 0 } = options;
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new RangeError(`offset: expected a number of bytes, got ${offset}`);
  const download = new ResumingDownload(parseUrl(url), offset, options);
  await download.connect();
  return download;
}

interface Answer {
  response: Response;
  range: BodyRange;
}

class ResumingDownload implements Download {
  readonly offset: number;
  validator: string | undefined;
  headers = new Headers();
  resumeCount = 0;

  readonly #url: URL;
  readonly #options: DownloadOptions;
  readonly #backoff: Backoff;
  #at: number;
  #announcedBytes: number | undefined;
  #answer: Answer | undefined;
  #isFirst = true;
  #isStarted = false;

  constructor(url: URL, offset: number, options: DownloadOptions) {
    this.#url = url;
    this.#options = options;
    this.#backoff = new Backoff(options);
    this.offset = offset;
    this.#at = offset;
    this.validator = options.validator;
  }

  get totalBytes(): number | undefined {
    return this.#options.expectedBytes ?? this.#announcedBytes;
  }

  /** Get an answer that brings bytes from where the stream is. */
  async connect(): Promise<void> {
    for (;;) {
      try {
        this.#answer = await this.#request();
        return;
      } catch (error) {
        await this.#backoff.waitAfter(error);
      }
    }
  }

  async #request(): Promise<Answer> {
    const { headers, notReady, expectedBytes } = this.#options;
    const path = showUrl(this.#url);
    const response = await sendOnce(this.#url, {
      ...this.#options,
      headers: { ...headers, ...rangeHeaders(this.#at, this.validator) },
      alsoAccept: [416],
      notReady,
    });
    try {
      const known = { totalBytes: this.#announcedBytes, validator: this.validator };
      const range = readBodyRange(response, this.#at, known, path);
      if (expectedBytes !== undefined && (range.totalBytes ?? expectedBytes) !== expectedBytes)
        throw badAnswer(response, path, `${expectedBytes} bytes`, `${range.totalBytes}`);
      this.#announcedBytes ??= range.totalBytes;
      this.validator ??= validatorOf(response.headers);
      if (this.#isFirst) this.headers = response.headers;
      this.#isFirst = false;
      return { response, range };
    } catch (error) {
      await cancelBody(response);
      throw error;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#isStarted) throw new TypeError("expected a download that was not read yet");
    this.#isStarted = true;
    try {
      for (;;) {
        try {
          if (yield* this.#readAnswer()) return;
        } catch (error) {
          await this.close();
          if (this.#at === this.totalBytes) return;
          await this.#backoff.waitAfter(error);
        }
        this.resumeCount++;
        await this.connect();
      }
    } finally {
      await this.close();
    }
  }

  /** The new bytes of the present answer. Returns whether the whole is there. */
  async *#readAnswer(): AsyncGenerator<Uint8Array, boolean, undefined> {
    const { response, range } = this.#answer!;
    const startedAt = this.#at;
    let position = range.start;
    if (range.start !== range.end) {
      for await (const piece of readPieces(response, this.#options)) {
        const skipBytes = Math.min(piece.length, this.#at - position);
        position += piece.length;
        this.#checkEnd(position, range);
        if (skipBytes === piece.length) continue;
        this.#at = position;
        this.#backoff.reset();
        yield piece.subarray(skipBytes);
      }
    }
    if (this.totalBytes === undefined) this.#announcedBytes = this.#at;
    if (this.#at === this.totalBytes) return true;
    const isPart = range.end === position && this.#at > startedAt;
    if (response.status === 206 && isPart) return false;
    throw this.#endsEarly(position, response);
  }

  #checkEnd(position: number, { end = Number.MAX_SAFE_INTEGER }: BodyRange): void {
    const limit = Math.min(end, this.totalBytes ?? end);
    if (position <= limit) return;
    throw new NetworkError(
      ErrorCode.BAD_RESPONSE,
      `expected the body to end at byte ${limit}, found more; the file on the server is not what was announced`,
      { path: showUrl(this.#url), expected: String(limit), actual: `${position} or more` },
    );
  }

  #endsEarly(position: number, response: Response): NetworkError {
    const { totalBytes } = this;
    // With a length of its own, the answer says that this is all there is.
    const isWhole = response.status === 200 && response.headers.get("content-length") === String(position);
    return new NetworkError(
      isWhole ? ErrorCode.BAD_RESPONSE : ErrorCode.UNREACHABLE,
      `expected ${totalBytes} bytes, the body ended at ${position}`,
      {
        path: showUrl(this.#url),
        expected: String(totalBytes),
        actual: String(position),
        isRetryable: !isWhole,
      },
    );
  }

  async close(): Promise<void> {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer !== undefined) await cancelBody(answer.response);
  }
}
