import { errorCodeOf, errorMessageOf } from "../errors.ts";
import type { OnProgress } from "../io/index.ts";
import type { OnUpdateEvent, UpdateFallback, UpdatePhase } from "./events.ts";
import { SlidingRate } from "./rate.ts";

/** How the phases of what does the work are told. Proving a delta before anything is overwritten is a check. */
const PHASE_OF: Readonly<Record<string, UpdatePhase>> = {
  "check basis": "check",
  check: "check",
  prepare: "check",
  apply: "apply",
  write: "apply",
  flatten: "apply",
  verify: "verify",
};

/** Makes events of what an update does. */
export class Reporter {
  readonly #onEvent: OnUpdateEvent;
  readonly #nowMs: () => number;
  readonly #rate = new SlidingRate();
  #phase: UpdatePhase | undefined;
  /** What the network is spared: known once there are offers, and 0 once the image is pulled. */
  savedBytes: number | undefined;
  hop = 0;
  hopCount = 0;

  constructor(onEvent: OnUpdateEvent = () => {}, nowMs: () => number) {
    this.#onEvent = onEvent;
    this.#nowMs = nowMs;
  }

  /** Tell how far a phase is. */
  progress(phase: UpdatePhase, doneBytes = 0, totalBytes = 0): void {
    if (phase !== this.#phase) this.#rate.reset();
    this.#phase = phase;
    const ratePerSecond = this.#rate.update(this.#nowMs(), doneBytes);
    this.#onEvent({
      type: "progress",
      phase,
      doneBytes,
      totalBytes,
      ratePerSecond,
      etaSeconds: ratePerSecond > 0 ? Math.max(0, totalBytes - doneBytes) / ratePerSecond : undefined,
      savedBytes: this.savedBytes,
      hop: this.hop,
      hopCount: this.hopCount,
    });
  }

  /** For what reports its own phases. */
  readonly onProgress: OnProgress = ({ phase, doneBytes, totalBytes }) => {
    this.progress(PHASE_OF[phase] ?? "check", doneBytes, totalBytes);
  };

  attempt(phase: UpdatePhase, error: unknown, attempt: number, delayMs: number): void {
    this.#onEvent({
      type: "attempt",
      phase,
      attempt,
      delayMs,
      code: errorCodeOf(error),
      reason: errorMessageOf(error),
    });
  }

  fallback(to: UpdateFallback["to"], code: string, reason: string): void {
    this.#onEvent({ type: "fallback", to, code, reason });
  }

  log(message: string): void {
    this.#onEvent({ type: "log", message });
  }
}
