import { toHex } from "../bytes/index.ts";
import { sha256 } from "../hash/index.ts";
import type { FlattenedRelease } from "./maker.ts";
import type { ImageIdentity } from "./names.ts";

/** What is announced: a version of an app, and where its image is. */
export interface Announcement {
  readonly app: string;
  readonly version: string;
  /** `docker://HOST/NAME[:TAG][@DIGEST]`, or the name of a file in the configured folder. */
  readonly image: string;
}

/** A release as the service answers with it: `GET /v1/releases/{id}`. */
export interface Release extends Announcement, Partial<FlattenedRelease> {
  /** The same for the same app and version. */
  readonly id: string;
  /** `reading` until its image is read and flattened; only a `ready` one is announced to devices. */
  readonly state: "reading" | "ready" | "failed";
  /** Place in the order in which releases became ready, from 1 on. */
  readonly sequence?: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Why it failed. */
  readonly error?: string;
}

/** A release whose image is known. */
export type ReadyRelease = Release & FlattenedRelease & { readonly sequence: number };

/** Whether a release can be asked for. */
export const isReady = (release: Release): release is ReadyRelease => release.state === "ready";

/** The id of a release. */
export function releaseId(app: string, version: string): string {
  return toHex(sha256(new TextEncoder().encode(`${app}\n${version}`)).subarray(0, 8));
}

/** All releases, and which flat image each name of an image leads to. */
export class ReleaseBook {
  readonly #byId = new Map<string, Release>();
  readonly #ready: ReadyRelease[] = [];
  /** Flat images by the digests of flat image, manifest and config. */
  readonly #byDigest = new Map<string, ReadyRelease>();

  /** The number that the next release gets. */
  get nextSequence(): number {
    return (this.#ready.at(-1)?.sequence ?? 0) + 1;
  }

  get(id: string): Release | undefined {
    return this.#byId.get(id);
  }

  /** Add a release, or put its new state in place of the old one. Ready ones come in the order of their numbers. */
  set(release: Release): void {
    this.#byId.set(release.id, release);
    if (!isReady(release)) return;
    this.#ready.push(release);
    for (const digest of [release.imageId, release.manifestDigest, release.flatDigest])
      if (digest !== undefined) this.#byDigest.set(digest, release);
  }

  /** All releases that are not ready. */
  unready(): Release[] {
    return [...this.#byId.values()].filter((release) => !isReady(release));
  }

  /** The release that a device's name of an image leads to. */
  find(identity: ImageIdentity): Release | undefined {
    return "digest" in identity
      ? this.#byDigest.get(identity.digest)
      : this.#byId.get(releaseId(identity.app, identity.version));
  }

  /** Ready releases behind a number, in order. */
  listReady(options: { app?: string | undefined; after?: number; limit: number }): ReadyRelease[] {
    const { app, after = 0, limit } = options;
    const found: ReadyRelease[] = [];
    for (let i = this.#firstBehind(after); i < this.#ready.length && found.length < limit; i++) {
      const release = this.#ready[i]!;
      if (app === undefined || release.app === app) found.push(release);
    }
    return found;
  }

  /** The last ready releases of an app, the newest first. */
  latest(app: string, count = 1): ReadyRelease[] {
    const found: ReadyRelease[] = [];
    for (let i = this.#ready.length - 1; i >= 0 && found.length < count; i--)
      if (this.#ready[i]!.app === app) found.push(this.#ready[i]!);
    return found;
  }

  #firstBehind(sequence: number): number {
    let [low, high] = [0, this.#ready.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ready[middle]!.sequence > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
