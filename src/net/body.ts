import { concatBytes } from "../bytes/index.ts";
import { ErrorCode, isFlatdeltaError, LimitError, NetworkError } from "../errors.ts";
import { unreachable } from "./unreachable.ts";
import { showUrl } from "./url.ts";

/** Longest wait for the next piece of a body when none is named. */
export const DEFAULT_STALL_TIMEOUT_MS = 30_000;

/** Options of reading a body. */
export interface BodyOptions {
  /** Longest wait for the next piece of the body: 30,000 by default. */
  stallTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Let go of a body that nobody reads, so that its connection is closed or free for the next request. */
export async function cancelBody(response: Response): Promise<void> {
  if (!response.body?.locked) await response.body?.cancel().catch(() => {});
}

/**
 * The pieces of a body as they arrive. It is read at the consumer's pace, and cancelled when the consumer leaves early.
 *
 * @throws {@link NetworkError} `UNREACHABLE` when the connection breaks, `TIMEOUT` when nothing arrives for too long, both
 * retryable; the reason of the signal when that is aborted.
 */
export async function* readPieces(
  response: Response,
  options: BodyOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS, signal } = options;
  signal?.throwIfAborted();
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, stallTimeoutMs, signal);
      if (done) return;
      if (value.length > 0) yield value;
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw isFlatdeltaError(error) ? error : unreachable(error, response.url, "the connection broke");
  } finally {
    // Not awaited: a peer that stands still would hold up whoever leaves it.
    reader.cancel().catch(() => {});
  }
}

type Read = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  stallTimeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Read> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal!.reason as Error);
    const timer = setTimeout(() => {
      reject(
        new NetworkError(
          ErrorCode.TIMEOUT,
          `expected the next piece within ${stallTimeoutMs} ms, found none; the server or the network stands still`,
          { isRetryable: true },
        ),
      );
    }, stallTimeoutMs);
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    reader.read().then(resolve, reject).finally(settle);
  });
}

/** Options of reading a body whole. */
export interface ReadBodyOptions extends BodyOptions {
  /** Most bytes that the body may have. */
  limitBytes: number;
}

/**
 * A whole body.
 *
 * @throws {@link LimitError} `SIZE_LIMIT` when it is larger than `limitBytes`, as soon as that is known; and as
 * {@link readPieces}.
 */
export async function readBytes(response: Response, options: ReadBodyOptions): Promise<Uint8Array> {
  const { limitBytes } = options;
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of readPieces(response, options)) {
    length += piece.length;
    if (length > limitBytes) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `expected an answer of at most ${limitBytes} bytes, found more`,
        {
          path: showUrl(response.url),
        },
      );
    }
    pieces.push(piece);
  }
  return concatBytes(pieces);
}

function badResponse(response: Response, expected: string, cause: unknown): NetworkError {
  return new NetworkError(ErrorCode.BAD_RESPONSE, `expected ${expected}, found something else`, {
    path: showUrl(response.url),
    status: response.status,
    cause,
  });
}

/**
 * A whole body as text.
 *
 * @throws {@link NetworkError} `BAD_RESPONSE` when it is not UTF-8; and as {@link readBytes}.
 */
export async function readText(response: Response, options: ReadBodyOptions): Promise<string> {
  const bytes = await readBytes(response, options);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badResponse(response, "UTF-8 text", cause);
  }
}

/**
 * A whole body as JSON.
 *
 * @throws {@link NetworkError} `BAD_RESPONSE` when it is none; and as {@link readBytes}.
 */
export async function readJson(response: Response, options: ReadBodyOptions): Promise<unknown> {
  const text = await readText(response, options);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw badResponse(response, "JSON", cause);
  }
}

const EXCERPT_BYTES = 2000;
const EXCERPT_CHARACTERS = 200;
const EXCERPT_TIMEOUT_MS = 2000;

/** What a server says in a short body of text, on one line; "" when it says nothing that people read. */
export async function readExcerpt(response: Response): Promise<string> {
  if (
    !/^(?:text\/plain|application\/(?:[\w.+-]+\+)?json)\b/i.test(response.headers.get("content-type") ?? "")
  ) {
    await cancelBody(response);
    return "";
  }
  const limits = { limitBytes: EXCERPT_BYTES, stallTimeoutMs: EXCERPT_TIMEOUT_MS };
  const text = await readText(response, limits).catch(() => "");
  const line = text.replace(/[\s\p{C}]+/gu, " ").trim();
  return line.length > EXCERPT_CHARACTERS ? `${line.slice(0, EXCERPT_CHARACTERS)}…` : line;
}
