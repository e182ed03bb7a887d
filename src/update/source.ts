import type { Image } from "../image/index.ts";
import type { ByteStream, ScratchSpace } from "../io/index.ts";
import type { RetryOptions } from "../net/index.ts";

/** A digest as images name it: "sha256:" and 64 hexadecimal digits in lower case. */
export type Digest = string;

/** An image that a device can be told to have. */
export interface Release {
  /** What the source knows it by, and nothing else: of another content it is another one. */
  readonly identity: string;
  /** Digest of its flat image, where the source knows it. */
  readonly flatDigest?: Digest | undefined;
  /** Digest of its flat image by what others say: enough to see that it is here already, not enough to refuse another one. */
  readonly claimedDigest?: Digest | undefined;
  /** Size of its flat image in bytes, where the source knows it. */
  readonly flatBytes?: number | undefined;
  /** Bytes that a full pull moves, where the source knows it. */
  readonly pullBytes?: number | undefined;
  /** Where the whole image is, in the source's own terms. */
  readonly location?: string | undefined;
}

/** A delta that a source has, from one flat image to another. */
export interface DeltaOffer {
  readonly basisDigest: Digest;
  readonly targetDigest: Digest;
  /** Digest and size of the delta's own file. */
  readonly deltaDigest: Digest;
  readonly deltaBytes: number;
  /** Where the source has it, in the source's own terms. */
  readonly location: string;
}

/** What a source has for a device: deltas to apply one after another, or none, and then why. */
export interface DeltaAnswer {
  /** The first one's basis is what the device has, the last one's target is what it wants. */
  readonly hops: readonly DeltaOffer[];
  /** Why there are none. */
  readonly reason?: string | undefined;
}

/** What each call of a source is given. */
export interface SourceOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long a server may be silent, in milliseconds; for ever unless it is given. */
  readonly timeoutMs?: number | undefined;
}

/** What a full pull is given. */
export interface PullOptions extends SourceOptions, Pick<RetryOptions, "retry" | "onRetry"> {
  /** Where layers go that have to be kept. */
  readonly scratch: ScratchSpace;
  /** Told of the bytes that have arrived, of all layers together. */
  readonly onBytes?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/**
 * Where releases and deltas come from: a delta service, a registry, or whatever implements this.
 *
 * Each method makes one attempt, except where it says so: when and how often to try again is for `updateImage` to decide, by the errors'
 * codes and `isRetryable`.
 */
export interface UpdateSource {
  /** For logs: the host as a rule. */
  readonly name: string;
  /**
   * The release that a name stands for now.
   *
   * @throws {@link NetworkError}, `NOT_READY` while it is read.
   */
  resolve(wanted: string, options: SourceOptions): Promise<Release>;
  /**
   * The deltas that lead from what a device has to a release.
   *
   * @throws {@link NetworkError}, `NOT_READY` while a delta is being made.
   */
  findDeltas(basisDigest: Digest, release: Release, options: SourceOptions): Promise<DeltaAnswer>;
  /** The bytes of a delta from `offset` on. They need not be proven: `updateImage` does that. */
  openDelta(offer: DeltaOffer, offset: number, options: SourceOptions): Promise<ByteStream>;
  /**
   * The whole image. What goes wrong later, while layers are read, rejects there. A download that breaks off goes on by itself, as
   * `retry` says.
   */
  pullImage(release: Release, options: PullOptions): Promise<Image>;
}
