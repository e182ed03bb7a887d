import type { OnUpdateEvent } from "./events.ts";
import type { UpdateClock } from "./persist.ts";
import type { ResolvedPolicy } from "./policy.ts";
import type { UpdateSite } from "./site.ts";
import type { Digest, Release, UpdateSource } from "./source.ts";

/** Options of `updateImage`. */
export interface UpdateOptions {
  /** Where the image is: `flatFile` or `rootfsFolder` of `flatdelta/update/node`. */
  readonly current: UpdateSite;
  /** What to have, in the words of the source: an image reference, or the name of an app. */
  readonly wanted: string;
  readonly source: UpdateSource;
  /** What `resolvePolicy` made of the variables; the defaults unless it is given. */
  readonly policy?: ResolvedPolicy | undefined;
  /** How long to ask for a delta that is being made, in milliseconds: ten minutes unless said otherwise. */
  readonly readyWithinMs?: number | undefined;
  /** What to do when it is not ready by then: "pull" the whole image (the default), or "report" and leave it for the next run. */
  readonly whenNotReady?: "pull" | "report" | undefined;
  readonly onEvent?: OnUpdateEvent | undefined;
  /** Aborting rejects with the signal's reason. The next run goes on from where this one was. */
  readonly signal?: AbortSignal | undefined;
  /** @internal */
  readonly clock?: UpdateClock | undefined;
}

/** What an update did. */
export interface UpdateResult {
  /** "none": the wanted image was there already. "resumed": an interrupted update was completed, and led to it. */
  readonly done: "updated" | "resumed" | "none";
  /** How the image came here. */
  readonly by: "deltas" | "pull" | "none";
  readonly release: Release;
  /** Digest of the flat image that is here now. */
  readonly digest: Digest;
  /** Digest of the one that was here before; `undefined` when there was none. */
  readonly basisDigest: Digest | undefined;
  /** How many deltas were applied. */
  readonly hopCount: number;
  /** Bytes of deltas and of layers that came over the network, in this run. */
  readonly downloadedBytes: number;
  /** Bytes of a full pull that were not moved since there were deltas. */
  readonly savedBytes: number;
  /** Why deltas were given up for a full pull, if they were. */
  readonly fallback: { readonly code: string; readonly reason: string } | undefined;
}
