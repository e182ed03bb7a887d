import type { Image } from "../image/index.ts";
import type { OnProgress, ScratchSpace, Source, StorageFolder } from "../io/index.ts";
import type { DeltaOffer, Digest } from "./source.ts";

/** What each call of a session is given. */
export interface SiteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** How a delta is to be applied. */
export interface ApplyHow {
  /** Not in place, even where that is what the device wants. */
  readonly isBeside: boolean;
  /** Whether the target is what the device wants, and not a step on the way there. */
  readonly isLast: boolean;
}

/** An image that was put in place as a whole. */
export interface InstalledImage {
  readonly digest: Digest;
  readonly flatBytes: number;
}

/** Where an image is kept and updated, held by one update alone. */
export interface UpdateSession {
  /** For logs: its path. */
  readonly place: string;
  /** Whether deltas are applied in place. */
  readonly isInPlace: boolean;
  /** A folder for downloads and notes. It outlives the process; the session removes it when it is empty. */
  readonly work: StorageFolder;
  /** For layers of a full pull. */
  readonly scratch: ScratchSpace;
  /**
   * Complete what an earlier run has begun and what can only go forward.
   *
   * @returns what it led to; `undefined` when there was nothing.
   */
  resume(options: SiteOptions): Promise<Digest | undefined>;
  /** Digest of the flat image that is here, `undefined` when there is none. */
  readDigest(options: SiteOptions): Promise<Digest | undefined>;
  /** Whether an update in place has overwritten something, and is to be completed. */
  hasBegun(): Promise<boolean>;
  /** Forget an update that cannot be completed. */
  forgetPending(): Promise<void>;
  /** Whether an earlier run has made the target of a delta already, as a step on the way. */
  hasMade(offer: DeltaOffer): Promise<boolean>;
  /**
   * Apply a delta. The target is proven before it counts.
   *
   * @throws as `applyDelta` and `applyDeltaInPlace`; {@link SpaceError} `NO_SPACE`. What the device has is as it was then, unless
   * {@link UpdateSession.hasBegun} says otherwise.
   */
  applyDelta(offer: DeltaOffer, delta: Source, how: ApplyHow, options: SiteOptions): Promise<void>;
  /**
   * Put a whole image in place of what is here. Whatever fails leaves that as it was.
   *
   * @param expected - digest of its flat image, where it is known.
   * @throws {@link MismatchError} `TARGET_MISMATCH` when it is another one; {@link SpaceError} `NO_SPACE`.
   */
  install(image: Image, expected: Digest | undefined, options: SiteOptions): Promise<InstalledImage>;
  close(): Promise<void>;
}

/** A place where an image is kept and can be updated. `flatdelta/update/node` has those of files and folders. */
export interface UpdateSite {
  /**
   * Take hold of it.
   *
   * @throws {@link StateError} `IN_USE` while another update holds it.
   */
  open(): Promise<UpdateSession>;
}
