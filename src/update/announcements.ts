import { type HttpOptions, readJson, readPieces, sendRequest } from "../net/index.ts";
import { systemClock } from "../net/retry.ts";
import { parseEventStream, type StreamNotes } from "./event-stream.ts";
import type { UpdateClock } from "./persist.ts";
import type { ServiceSourceOptions } from "./service-source.ts";
import type { UpdateSource } from "./source.ts";

/** Options of {@link followService} and {@link pollSource}. */
export interface FollowOptions {
  /** How often to ask where nobody tells, in milliseconds: a minute unless said otherwise. */
  pollMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told when listening broke off, or asking failed; it is tried again. */
  onError?: ((error: unknown) => void) | undefined;
  /** @internal */
  clock?: Pick<UpdateClock, "sleep" | "random"> | undefined;
}

const DEFAULT_POLL_MS = 60_000;
const ANSWER_TIMEOUT_MS = 30_000;
/** Three signs of life that did not come. */
const SILENCE_MS = 45_000;
const MAX_ANSWER_BYTES = 1 << 22;

/**
 * Follow the releases of an app at a delta service: something is yielded whenever there may be a new one, first at once. Announcements
 * come as server-sent events; after a break they go on behind the last one (`Last-Event-ID`), and where they do not come at all
 * the service is polled. It never ends by itself.
 *
 * @throws the reason of the signal when that is aborted.
 */
export async function* followService(
  url: string | URL,
  app: string,
  options: FollowOptions & Pick<ServiceSourceOptions, "token" | "fetch"> = {},
): AsyncGenerator<void, never, undefined> {
  const { pollMs = DEFAULT_POLL_MS, signal, onError, clock = systemClock } = options;
  const follower = new ServiceFollower(new URL(url), app, options);
  for (let failures = 0; ; failures++) {
    try {
      // What was missed while nobody listened.
      if (await follower.poll()) yield;
      for await (const _ of follower.listen()) {
        failures = 0;
        yield;
      }
    } catch (error) {
      signal?.throwIfAborted();
      onError?.(error);
    }
    const longestMs = Math.min(pollMs, (follower.notes.retryMs ?? 1000) * 2 ** failures);
    await clock.sleep(longestMs * (1 - clock.random() / 2), signal);
  }
}

class ServiceFollower {
  readonly notes: StreamNotes = { retryMs: undefined };
  readonly #base: URL;
  readonly #app: string;
  readonly #http: HttpOptions & { headers: Record<string, string> };
  /** Number of the newest release that is known. */
  #sequence: number | undefined;
  #tag: string | undefined;

  constructor(
    base: URL,
    app: string,
    { token, fetch, signal }: FollowOptions & Pick<ServiceSourceOptions, "token" | "fetch">,
  ) {
    this.#base = new URL(base.href.replace(/\/*$/u, "/"));
    this.#app = encodeURIComponent(app);
    this.#http = {
      fetch,
      signal,
      headersTimeoutMs: ANSWER_TIMEOUT_MS,
      retry: { retries: 0 },
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    };
  }

  /** Ask for the latest release. Returns whether it is another one than before. */
  async poll(): Promise<boolean> {
    const response = await sendRequest(new URL(`v1/apps/${this.#app}/latest`, this.#base), {
      ...this.#http,
      headers: { ...this.#http.headers, ...(this.#tag === undefined ? {} : { "if-none-match": this.#tag }) },
      alsoAccept: [304, 404],
    });
    if (response.status === 304) return false;
    const answer = await readJson(response, { ...this.#http, limitBytes: MAX_ANSWER_BYTES });
    // An app that has no release yet.
    if (response.status === 404) return false;
    this.#tag = response.headers.get("etag") ?? undefined;
    const sequence = (answer as { sequence?: unknown } | null)?.sequence;
    const isNew = sequence !== this.#sequence;
    if (Number.isSafeInteger(sequence)) this.#sequence = sequence as number;
    return isNew;
  }

  /** Yields at each announcement, until the connection ends. */
  async *listen(): AsyncGenerator<void, void, undefined> {
    const { headers } = this.#http;
    const response = await sendRequest(new URL(`v1/events?app=${this.#app}`, this.#base), {
      ...this.#http,
      headers: { ...headers, accept: "text/event-stream", "last-event-id": String(this.#sequence ?? 0) },
    });
    const pieces = readPieces(response, { stallTimeoutMs: SILENCE_MS, signal: this.#http.signal });
    for await (const { type, lastId } of parseEventStream(pieces, this.notes)) {
      if (type !== "release") continue;
      const sequence = Number(lastId);
      if (Number.isSafeInteger(sequence)) this.#sequence = sequence;
      yield;
    }
  }
}

/**
 * Ask a source again and again which release a name stands for; something is yielded at the beginning and when it is another one. It
 * never ends by itself.
 *
 * @throws the reason of the signal when that is aborted.
 */
export async function* pollSource(
  source: UpdateSource,
  wanted: string,
  options: FollowOptions = {},
): AsyncGenerator<void, never, undefined> {
  const { pollMs = DEFAULT_POLL_MS, signal, onError, clock = systemClock } = options;
  for (let known: string | undefined; ; ) {
    try {
      const { identity } = await source.resolve(wanted, { signal, timeoutMs: ANSWER_TIMEOUT_MS });
      if (identity !== known) yield;
      known = identity;
    } catch (error) {
      signal?.throwIfAborted();
      onError?.(error);
    }
    await clock.sleep(pollMs * (1 - clock.random() / 10), signal);
  }
}
