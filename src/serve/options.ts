import type { AccessToken } from "./access.ts";
import type { Maker } from "./maker.ts";
import type { ImagePolicy } from "./names.ts";
import type { ServiceStore } from "./store.ts";

/** What the service takes upon itself, and what it allows. */
export interface ServiceLimits {
  /** Images read and deltas made at the same time: 1 by default. */
  readonly maxJobs?: number | undefined;
  /** Images and deltas that may wait for their turn: 1,000 by default. */
  readonly maxWaitingJobs?: number | undefined;
  /** Bytes of flat images and deltas that are kept: 50 GiB by default. The least recently used go first. */
  readonly maxStoreBytes?: number | undefined;
  /** How long a flat image or delta is kept that nobody asks for: 30 days by default. */
  readonly maxAgeMs?: number | undefined;
  /** Requests that one client, by its address, may make in a minute: 6,000 by default. */
  readonly requestsPerMinute?: number | undefined;
  /** Answers with announcements that are open at the same time: 10,000 by default. */
  readonly maxListeners?: number | undefined;
  /** Of these, those of one client: 1,000 by default. */
  readonly maxListenersPerClient?: number | undefined;
  /** How often listeners get a sign of life: every 15 seconds by default. */
  readonly heartbeatMs?: number | undefined;
  /** Bytes of a request's body: 64 KiB by default. */
  readonly maxBodyBytes?: number | undefined;
  /** Characters of a request's URL: 4,096 by default. */
  readonly maxUrlLength?: number | undefined;
}

/** Every limit, with its default where none is set. */
export function fillServiceLimits(limits: ServiceLimits = {}): { [Name in keyof ServiceLimits]-?: number } {
  return {
    maxJobs: checkLimit("maxJobs", limits.maxJobs ?? 1),
    maxWaitingJobs: checkLimit("maxWaitingJobs", limits.maxWaitingJobs ?? 1_000),
    maxStoreBytes: checkLimit("maxStoreBytes", limits.maxStoreBytes ?? 50 * 2 ** 30),
    maxAgeMs: checkLimit("maxAgeMs", limits.maxAgeMs ?? 30 * 24 * 3_600_000),
    requestsPerMinute: checkLimit("requestsPerMinute", limits.requestsPerMinute ?? 6_000),
    maxListeners: checkLimit("maxListeners", limits.maxListeners ?? 10_000),
    maxListenersPerClient: checkLimit("maxListenersPerClient", limits.maxListenersPerClient ?? 1_000),
    heartbeatMs: checkLimit("heartbeatMs", limits.heartbeatMs ?? 15_000),
    maxBodyBytes: checkLimit("maxBodyBytes", limits.maxBodyBytes ?? 65_536),
    maxUrlLength: checkLimit("maxUrlLength", limits.maxUrlLength ?? 4_096),
  };
}

function checkLimit(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${name}: expected a number greater than 0, got ${value}`);
  return value;
}

/** Something that happened behind the requests. */
export interface ServiceEvent {
  readonly event:
    | "release-ready"
    | "release-failed"
    | "delta-made"
    | "delta-failed"
    | "evicted"
    | "request-failed";
  readonly [detail: string]: string | number | boolean | undefined;
}

/** Options of {@link createDeltaService}. */
export interface DeltaServiceOptions {
  readonly store: ServiceStore;
  readonly maker: Maker;
  /** Which images releases may name; none unless said otherwise. */
  readonly images?: ImagePolicy | undefined;
  /**
   * Bearer tokens. Announcing needs one that may `write`. Reading needs one as soon as there is one that may only `read`;
   * until then everybody reads.
   */
  readonly tokens?: readonly AccessToken[] | undefined;
  readonly limits?: ServiceLimits | undefined;
  /** From how many earlier releases of an app deltas are made as soon as a new one is there: 1 by default. */
  readonly ahead?: number | undefined;
  /** Stands for how the maker makes deltas. Those of a store that were made with another tag are made again. */
  readonly optionsTag?: string | undefined;
  /** Told of what happens in the background, for a log. */
  readonly onEvent?: ((event: ServiceEvent) => void) | undefined;
  /** Milliseconds since 1970, for tests. */
  readonly now?: (() => number) | undefined;
}
