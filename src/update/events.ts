/** What an update does at the moment. */
export type UpdatePhase = "request" | "wait" | "download" | "check" | "apply" | "verify" | "pull" | "done";

/** How far a phase has come. */
export interface UpdateProgress {
  readonly type: "progress";
  readonly phase: UpdatePhase;
  /** Bytes of this phase; 0 of 0 where it has none. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Bytes a second over the last seconds; 0 until there is something to tell. */
  readonly ratePerSecond: number;
  /** Seconds until the phase is over, at this rate. */
  readonly etaSeconds: number | undefined;
  /** What is not moved over the network since there are deltas; `undefined` until both ways are known. */
  readonly savedBytes: number | undefined;
  /** Which of a chain of deltas it is about, from 1, and how many there are; 0 of 0 outside deltas. */
  readonly hop: number;
  readonly hopCount: number;
}

/** Something failed, and is tried again after a while. */
export interface UpdateAttempt {
  readonly type: "attempt";
  readonly phase: UpdatePhase;
  /** How many attempts have failed. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly code: string;
  readonly reason: string;
}

/** The update goes on in another way than was planned. */
export interface UpdateFallback {
  readonly type: "fallback";
  /** "pull": the whole image; "beside": the delta is applied, but not in place. */
  readonly to: "pull" | "beside";
  /** The error's code, or what decided: "POLICY", "NO_BASIS", "NO_DELTA", "PULL_IS_CHEAPER". */
  readonly code: string;
  readonly reason: string;
}

/** A sentence for the log. */
export interface UpdateLog {
  readonly type: "log";
  readonly message: string;
}

/** Everything that an update tells of itself. */
export type UpdateEvent = UpdateProgress | UpdateAttempt | UpdateFallback | UpdateLog;

/** Receives events. It is called synchronously and must return quickly. */
export type OnUpdateEvent = (event: UpdateEvent) => void;

/** An event as one line of a log; `undefined` for progress, which is no news. */
export function formatUpdateEvent(event: UpdateEvent): string | undefined {
  switch (event.type) {
    case "progress":
      return undefined;
    case "log":
      return event.message;
    case "attempt":
      return `${event.phase}: attempt ${event.attempt} failed, the next one is in ${event.delayMs} ms: ${event.reason} (${event.code})`;
    case "fallback": {
      const way = event.to === "pull" ? "pulling the whole image" : "applying the delta beside the image";
      return `${way}: ${event.reason} (${event.code})`;
    }
  }
}
