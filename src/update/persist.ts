import { errorCodeOf, errorMessageOf } from "../errors.ts";
import { Backoff, type Clock } from "../net/index.ts";
import type { UpdatePhase } from "./events.ts";
import type { DeltaPolicy } from "./policy.ts";
import type { Reporter } from "./reporter.ts";
import { findRule, type Rule, type UpdateStep } from "./rules.ts";

const FIRST_DELAY_MS = 500;

/** Time and chance, for tests to replace. */
export interface UpdateClock extends Clock {
  /** A time that never goes back. */
  nowMs(): number;
}

/** Deltas are given up for a full pull. It never leaves `updateImage`. */
export class Detour extends Error {
  readonly code: string;

  /** @param code - of the error, or what decided. */
  constructor(code: string, reason: string, cause?: unknown) {
    super(reason, { cause });
    this.code = code;
  }
}

/** The detour that a rule asks for. */
export function detourAfter(error: unknown, rule: Rule): Detour {
  return new Detour(errorCodeOf(error), `${rule.because}: ${errorMessageOf(error)}`, error);
}

/** What trying again needs to know. */
export interface PersistOptions {
  readonly policy: DeltaPolicy;
  readonly reporter: Reporter;
  readonly clock: UpdateClock;
  readonly signal: AbortSignal | undefined;
  /** How long to ask for what is being made, in milliseconds. */
  readonly readyWithinMs: number;
  readonly whenNotReady: "pull" | "report";
}

/** How requests are tried again, by the policy. */
export function retryPolicyOf({ retryCount, retryIntervalMs }: DeltaPolicy) {
  return {
    retries: retryCount,
    firstDelayMs: Math.min(FIRST_DELAY_MS, retryIntervalMs),
    maxDelayMs: retryIntervalMs,
  };
}

/**
 * Do one step of an update, as often as the rules say.
 *
 * @param hasProgressed - whether something was achieved since it was asked last; attempts are counted from zero again then.
 * @throws a {@link Detour} where the rules say so, else the step's own error.
 */
export async function persist<Result>(
  step: UpdateStep,
  phase: UpdatePhase,
  options: PersistOptions,
  run: () => Promise<Result>,
  hasProgressed: () => boolean = () => false,
): Promise<Result> {
  const { policy, reporter, clock, signal, readyWithinMs, whenNotReady } = options;
  const retry = retryPolicyOf(policy);
  const retries = new Backoff({
    retry,
    signal,
    clock,
    onRetry: (error, attempt, delayMs) => reporter.attempt(phase, error, attempt, delayMs),
  });
  const waits = new Backoff({
    retry: { ...retry, retries: Number.MAX_SAFE_INTEGER, maxRetryAfterMs: readyWithinMs },
    signal,
    clock,
    onRetry: (error, attempt, delayMs) => {
      reporter.progress("wait");
      reporter.attempt("wait", error, attempt, delayMs);
    },
  });
  const startMs = clock.nowMs();
  for (let failures = 0; ; ) {
    try {
      return await run();
    } catch (error) {
      signal?.throwIfAborted();
      const rule = findRule(error, step);
      if (rule === undefined) throw error;
      if (hasProgressed() && rule.atMost === undefined) {
        failures = 0;
        retries.reset();
      }
      const isWait = rule.remedy === "wait";
      const mayGoOn = isWait
        ? clock.nowMs() - startMs < readyWithinMs
        : rule.remedy === "retry" && failures < (rule.atMost ?? Number.MAX_SAFE_INTEGER);
      if (mayGoOn && (await waitAfter(error, isWait ? waits : retries))) {
        failures++;
        continue;
      }
      const remedy = isWait && step === "request" ? whenNotReady : (rule.otherwise ?? rule.remedy);
      throw remedy === "pull" ? detourAfter(error, rule) : error;
    }
  }
}

/** Whether to try again, after the wait. */
async function waitAfter(error: unknown, backoff: Backoff): Promise<boolean> {
  try {
    await backoff.waitAfter(error);
    return true;
  } catch (thrown) {
    if (thrown === error) return false;
    throw thrown;
  }
}
