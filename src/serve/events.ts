/**
 * Announcements as server-sent events (WHATWG HTML, section 9.2).
 *
 * @module
 */
import { Problem, retryAfter } from "./problem.ts";
import type { ReadyRelease } from "./releases.ts";

const encoder = new TextEncoder();

// A listener that does not read is let go before its events fill the memory; it comes back and names the last one it saw.
const MAX_UNREAD_EVENTS = 1_000;
const RECONNECT_MS = 5_000;

interface Listener {
  readonly app: string | undefined;
  readonly client: string;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/** One release as an event. */
export function formatEvent(release: ReadyRelease): string {
  return `event: release\nid: ${release.sequence}\ndata: ${JSON.stringify(release)}\n\n`;
}

/** Those who listen, and what they are told. */
export class EventHub {
  readonly #maxListeners: number;
  readonly #maxPerClient: number;
  readonly #listeners = new Set<Listener>();
  readonly #perClient = new Map<string, number>();
  readonly #heartbeat: ReturnType<typeof setInterval>;

  constructor(options: { maxListeners: number; maxPerClient: number; heartbeatMs: number }) {
    this.#maxListeners = options.maxListeners;
    this.#maxPerClient = options.maxPerClient;
    this.#heartbeat = setInterval(() => this.#sendAll(": heartbeat\n\n"), options.heartbeatMs);
    // Node's timers hold the process; a service that nobody serves must not.
    (this.#heartbeat as { unref?: () => void }).unref?.();
  }

  get size(): number {
    return this.#listeners.size;
  }

  /**
   * Let somebody listen.
   *
   * @param missed - releases that the listener has not seen yet; they come first.
   * @throws {@link Problem} `TOO_MANY_LISTENERS` (503, or 429 for one client).
   */
  listen(
    app: string | undefined,
    client: string,
    missed: readonly ReadyRelease[],
  ): ReadableStream<Uint8Array> {
    const own = this.#perClient.get(client) ?? 0;
    if (own >= this.#maxPerClient) {
      throw new Problem(
        429,
        "TOO_MANY_LISTENERS",
        `expected at most ${this.#maxPerClient} listeners of one client`,
        {
          headers: retryAfter(60_000),
        },
      );
    }
    if (this.#listeners.size >= this.#maxListeners) {
      throw new Problem(
        503,
        "TOO_MANY_LISTENERS",
        "too many listeners; ask /v1/releases from time to time instead",
        {
          headers: retryAfter(60_000),
        },
      );
    }
    let listener: Listener;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          listener = { app, client, controller };
          this.#listeners.add(listener);
          this.#perClient.set(client, own + 1);
          controller.enqueue(encoder.encode(`retry: ${RECONNECT_MS}\n\n${missed.map(formatEvent).join("")}`));
        },
        cancel: () => this.#forget(listener),
      },
      { highWaterMark: MAX_UNREAD_EVENTS },
    );
  }

  /** Tell all listeners of the release's app. */
  publish(release: ReadyRelease): void {
    this.#sendAll(formatEvent(release), release.app);
  }

  /** End all answers; the listeners ask again, here or elsewhere. */
  close(): void {
    clearInterval(this.#heartbeat);
    for (const listener of [...this.#listeners]) this.#end(listener);
  }

  #sendAll(text: string, app?: string): void {
    const bytes = encoder.encode(text);
    for (const listener of [...this.#listeners]) {
      if (app !== undefined && listener.app !== undefined && listener.app !== app) continue;
      if ((listener.controller.desiredSize ?? 0) <= 0) this.#end(listener);
      // Each its own copy, since a stream may give the buffer away.
      else listener.controller.enqueue(bytes.slice());
    }
  }

  #end(listener: Listener): void {
    this.#forget(listener);
    listener.controller.close();
  }

  #forget(listener: Listener): void {
    if (!this.#listeners.delete(listener)) return;
    const left = this.#perClient.get(listener.client)! - 1;
    if (left > 0) this.#perClient.set(listener.client, left);
    else this.#perClient.delete(listener.client);
  }
}
