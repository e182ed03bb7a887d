import { systemClock } from "../net/retry.ts";
import type { UpdateResult } from "./options.ts";
import type { UpdateClock } from "./persist.ts";
import type { Digest } from "./source.ts";

/** Which image was handed over last, kept where a restart finds it. */
export interface HandoverRecord {
  read(): Promise<Digest | undefined>;
  write(digest: Digest): Promise<void>;
}

/** Options of {@link runAgent}. */
export interface AgentOptions {
  /** Yields whenever there may be something new: {@link followService}, {@link pollSource}. */
  readonly announcements: AsyncIterable<unknown>;
  /** Does one update: `updateImage` with its options. */
  readonly update: () => Promise<UpdateResult>;
  /** Starts the image that is here now. It is called again, after a while and after a restart, until it has succeeded once. */
  readonly onReady: (result: UpdateResult) => Promise<void>;
  readonly handover: HandoverRecord;
  /** Told of an update, or a start, that failed, and when it is tried again. */
  readonly onError?: ((error: unknown, delayMs: number) => void) | undefined;
  /** Longest time until a failed update is tried again, in milliseconds: ten minutes unless said otherwise. */
  readonly maxDelayMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @internal */
  readonly clock?: Pick<UpdateClock, "sleep" | "random"> | undefined;
}

const FIRST_DELAY_MS = 5000;
const MAX_DELAY_MS = 600_000;
// Should an announcement ever be lost.
const RECHECK_MS = 86_400_000;

/**
 * Keep a device up to date: update it at the beginning, at each announcement, and again after a while where that failed; hand each
 * new image over once. Announcements that come during an update lead to one more, not to one each.
 *
 * ```ts
 * await runAgent({
 *   announcements: followService(url, "app", { token, signal }),
 *   update: () => updateImage({ current, wanted: "app", source, policy, signal }),
 *   onReady: async ({ digest }) => startImage("/data/app.flat", digest),
 *   handover,
 *   signal,
 * });
 * ```
 *
 * @throws the reason of the signal when that is aborted, and what `announcements` rejects with. It never ends by itself.
 */
export async function runAgent(options: AgentOptions): Promise<never> {
  const { announcements, signal, onError, maxDelayMs = MAX_DELAY_MS, clock = systemClock } = options;
  const bell = new Bell();
  const listen = async (): Promise<never> => {
    for await (const _ of announcements) bell.ring();
    throw new TypeError("expected announcements that do not end");
  };
  const work = async (): Promise<never> => {
    for (let failures = 0; ; ) {
      const heard = bell.heard();
      let delayMs = RECHECK_MS;
      try {
        await handOver(options, await options.update());
        failures = 0;
      } catch (error) {
        signal?.throwIfAborted();
        delayMs = Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** failures++) * (1 - clock.random() / 2);
        onError?.(error, delayMs);
      }
      await sleepUntil(heard, delayMs, options);
    }
  };
  const working = work();
  try {
    return await Promise.race([listen(), working]);
  } finally {
    // An update that is told to stop lets go of its files first.
    if (signal?.aborted) await working.catch(() => {});
  }
}

/** Wait for something to be heard, but not for ever. */
async function sleepUntil(
  heard: Promise<void>,
  delayMs: number,
  { signal, clock = systemClock }: AgentOptions,
): Promise<void> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  await Promise.race([heard, clock.sleep(delayMs, either).catch(() => {})]);
  stop.abort();
  signal?.throwIfAborted();
}

async function handOver({ handover, onReady }: AgentOptions, result: UpdateResult): Promise<void> {
  if ((await handover.read()) === result.digest) return;
  await onReady(result);
  await handover.write(result.digest);
}

/** Remembers that it was rung until somebody has heard. */
class Bell {
  #ring: () => void = () => {};
  #rung: Promise<void>;

  constructor() {
    this.#rung = this.#next();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = resolve;
    });
  }

  ring(): void {
    this.#ring();
  }

  /** Fulfilled at the next ring from now on. */
  heard(): Promise<void> {
    this.#rung = this.#next();
    return this.#rung;
  }
}
