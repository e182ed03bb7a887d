import { NetworkError } from "../errors.ts";

/** How often and how soon to try again. */
export interface RetryPolicy {
  /** Attempts after the first one: 5 by default, 0 for none. */
  retries: number;
  /** Longest wait before the first of them; it doubles with each: 500 by default. */
  firstDelayMs: number;
  /** Longest wait before any of them: 30,000 by default. */
  maxDelayMs: number;
  /** Which part of a wait is left to chance, 0 to 1. By default all of it, so that many clients do not come back at once. */
  jitter: number;
  /** Longest wait that a server may ask for; if it asks for more, there is no further attempt: 300,000 by default. */
  maxRetryAfterMs: number;
}

/** Time and chance, for tests to replace. */
export interface Clock {
  /** Fulfilled after `delayMs`; rejects with the signal's reason as soon as it is aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** A number from 0 up to 1. */
  random(): number;
}

/** Options of whatever is tried more than once. */
export interface RetryOptions {
  /** What differs from the default policy. */
  retry?: Partial<RetryPolicy> | undefined;
  /** Stops attempts and waits. */
  signal?: AbortSignal | undefined;
  /** Told of each failed attempt that is followed by another one. `attempt` counts from 1. */
  onRetry?: ((error: NetworkError, attempt: number, delayMs: number) => void) | undefined;
  /** @internal */
  clock?: Clock | undefined;
}

const DEFAULT_POLICY: RetryPolicy = {
  retries: 5,
  firstDelayMs: 500,
  maxDelayMs: 30_000,
  jitter: 1,
  maxRetryAfterMs: 300_000,
};

/** The clock of the runtime. */
export const systemClock: Clock = {
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal!.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, delayMs);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    }),
  random: Math.random,
};

/** Counts failed attempts and waits between them: exponential back-off with jitter. */
export class Backoff {
  readonly #policy: RetryPolicy;
  readonly #options: RetryOptions;
  #failures = 0;

  /** @throws RangeError for a policy that is none. */
  constructor(options: RetryOptions) {
    this.#policy = fillPolicy(options.retry);
    this.#options = options;
  }

  /** Something was achieved: failures are counted from zero again. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * Wait until the next attempt may begin.
   *
   * @throws `error` itself when there is to be none: it is not retryable, the attempts are used up, or the server asks for
   * a longer wait than is allowed; the reason of the signal when that is aborted.
   */
  async waitAfter(error: unknown): Promise<void> {
    const { signal, onRetry, clock = systemClock } = this.#options;
    signal?.throwIfAborted();
    if (!(error instanceof NetworkError) || !error.isRetryable) throw error;
    const { retries, maxRetryAfterMs } = this.#policy;
    if (this.#failures >= retries || (error.retryAfterMs ?? 0) > maxRetryAfterMs) throw error;
    this.#failures++;
    const delayMs = this.#chooseDelay(error.retryAfterMs, clock.random());
    onRetry?.(error, this.#failures, delayMs);
    await clock.sleep(delayMs, signal);
  }

  #chooseDelay(retryAfterMs: number | undefined, chance: number): number {
    const { firstDelayMs, maxDelayMs, jitter } = this.#policy;
    const longestMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#failures - 1));
    // A server that names a time names it to all its clients: they come later, never earlier.
    if (retryAfterMs !== undefined) return retryAfterMs + longestMs * jitter * chance;
    return longestMs * (1 - jitter * chance);
  }
}

function fillPolicy(changes: Partial<RetryPolicy> = {}): RetryPolicy {
  const policy = { ...DEFAULT_POLICY };
  for (const name of Object.keys(policy) as (keyof RetryPolicy)[]) {
    const value = changes[name] ?? policy[name];
    const largest = name === "jitter" ? 1 : Number.MAX_SAFE_INTEGER;
    if (!(value >= 0 && value <= largest))
      throw new RangeError(`retry.${name}: expected a number from 0 to ${largest}, got ${value}`);
    policy[name] = value;
  }
  return policy;
}

/** Run `attempt` until it succeeds, or there is no point in another one; then its error is thrown. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const backoff = new Backoff(options);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await backoff.waitAfter(error);
    }
  }
}
