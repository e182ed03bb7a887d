import { errorCodeOf } from "../errors.ts";
import type { EventHub } from "./events.ts";
import type { FlatImages } from "./images.ts";
import type { FlattenedRelease } from "./maker.ts";
import type { DeltaServiceOptions } from "./options.ts";
import { Problem } from "./problem.ts";
import type { JobQueue } from "./queue.ts";
import { readRecord, writeRecord } from "./records.ts";
import {
  type Announcement,
  type ReadyRelease,
  type Release,
  type ReleaseBook,
  releaseId,
} from "./releases.ts";
import type { ServiceStore, StoredFile } from "./store.ts";

/** What taking in releases needs of the service. */
export interface ReleaseDeskParts {
  readonly store: ServiceStore;
  readonly releases: ReleaseBook;
  readonly images: FlatImages;
  readonly queue: JobQueue;
  readonly events: EventHub;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly onEvent: DeltaServiceOptions["onEvent"];
  /** Called when devices have been told of a release. */
  readonly onReady: (release: ReadyRelease) => void;
}

const recordName = (id: string): string => `release/${id}.json`;

function isRelease(value: unknown): value is Release {
  const { id, app, version, image, state } = (value ?? {}) as Partial<Release>;
  return [id, app, version, image, state].every((text) => typeof text === "string");
}

/** Takes in releases: has their images read, then tells devices of them. */
export class ReleaseDesk {
  readonly #parts: ReleaseDeskParts;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: ReleaseDeskParts) {
    this.#parts = parts;
  }

  /** Take up what an earlier run left in the store. */
  async load(files: readonly StoredFile[]): Promise<void> {
    const found: Release[] = [];
    for (const { name } of files) {
      const release = name.startsWith("release/") ? await readRecord(this.#parts.store, name) : undefined;
      if (isRelease(release)) found.push(release);
    }
    found.sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
    for (const release of found) this.#parts.releases.set(release);
  }

  /** Read the images that an earlier run did not come to the end of. */
  async resume(): Promise<void> {
    for (const release of this.#parts.releases.unready())
      if (release.state === "reading") await this.#startReading(release);
  }

  /**
   * Take in a release whose name of an image is allowed.
   *
   * @returns nothing when there is no room for more work.
   * @throws {@link Problem} `RELEASE_EXISTS` when it is known with another image.
   */
  async announce(announcement: Announcement): Promise<Release | undefined> {
    const { releases, now } = this.#parts;
    const id = releaseId(announcement.app, announcement.version);
    const known = releases.get(id);
    if (known !== undefined && known.state !== "failed") {
      if (known.image === announcement.image) return known;
      throw new Problem(409, "RELEASE_EXISTS", "this version of the app was announced with another image");
    }
    const createdAt = new Date(now()).toISOString();
    const release: Release = { id, ...announcement, state: "reading", createdAt };
    try {
      await this.#save(release);
    } catch (error) {
      releases.set({ ...release, state: "failed", error: errorCodeOf(error) });
      throw error;
    }
    return (await this.#startReading(release)) ? releases.get(id) : undefined;
  }

  /** Keep a release's new state, in memory even where it cannot be written. */
  async #save(release: Release): Promise<void> {
    this.#parts.releases.set(release);
    await writeRecord(this.#parts.store, recordName(release.id), release);
  }

  /** @returns whether there was room for it. */
  async #startReading(release: Release): Promise<boolean> {
    const reading = this.#parts.queue.add(() => this.#read(release));
    reading?.catch(() => {});
    if (reading === undefined) await this.#save({ ...release, state: "failed", error: "QUEUE_FULL" });
    return reading !== undefined;
  }

  async #read(release: Release): Promise<void> {
    const { images, signal, onEvent } = this.#parts;
    try {
      signal.throwIfAborted();
      await this.#becomeReady(release, await images.read(release.image));
    } catch (error) {
      if (signal.aborted) return;
      const { app, version } = release;
      const code = errorCodeOf(error);
      onEvent?.({ event: "release-failed", app, version, code, message: String(error) });
      await this.#save({ ...release, state: "failed", error: code });
    }
  }

  /** One after another, so that numbers rise in the order in which releases are seen and survive. */
  #becomeReady(release: Release, flattened: FlattenedRelease): Promise<void> {
    const { store, releases, events, onEvent, onReady } = this.#parts;
    const done = this.#turn.then(async () => {
      const sequence = releases.nextSequence;
      const ready: ReadyRelease = { ...release, ...flattened, state: "ready", sequence };
      // Durable before anybody sees it: a number that was seen is never given again.
      await writeRecord(store, recordName(ready.id), ready);
      releases.set(ready);
      const { app, version, flatDigest } = ready;
      onEvent?.({ event: "release-ready", app, version, flatDigest });
      events.publish(ready);
      onReady(ready);
    });
    this.#turn = done.catch(() => {});
    return done;
  }
}
