import type { FlattenedRelease, Maker } from "./maker.ts";
import type { ServiceMetrics } from "./metrics.ts";
import type { JobQueue } from "./queue.ts";
import type { ReadyRelease, ReleaseBook } from "./releases.ts";
import type { PinnedFile, Shelf } from "./shelf.ts";
import type { ServiceStore, StoredFile } from "./store.ts";

/** Name of a flat image in the store. */
const imageFileName = (flatDigest: string): string => `image/${flatDigest.slice("sha256:".length)}.flat`;

/** The name under which a release's image can be read again: a tag may have moved since, a digest cannot. */
function fixedName({ image, manifestDigest }: ReadyRelease): string {
  if (!image.startsWith("docker://") || manifestDigest === undefined) return image;
  const untagged = image.replace(/@.*$/u, "").replace(/:[^:/]*$/u, "");
  return `${untagged}@${manifestDigest}`;
}

/** What flat images need of the service. */
export interface FlatImagesParts {
  readonly store: ServiceStore;
  readonly shelf: Shelf;
  readonly maker: Maker;
  readonly queue: JobQueue;
  readonly metrics: ServiceMetrics;
  readonly signal: AbortSignal;
}

/** The flat images of releases: made when they are needed, kept as long as there is room. */
export class FlatImages {
  readonly #parts: FlatImagesParts;
  readonly #reading = new Map<string, Promise<FlattenedRelease>>();
  readonly #reopening = new Set<string>();

  constructor(parts: FlatImagesParts) {
    this.#parts = parts;
  }

  /** Take up what an earlier run left in the store. What belongs to no release is removed. */
  async load(files: readonly StoredFile[], releases: ReleaseBook): Promise<void> {
    const { store, shelf } = this.#parts;
    for (const { name, sizeBytes, usedMs } of files) {
      const hex = /^image\/([0-9a-f]{64})\.flat$/u.exec(name)?.[1];
      if (hex === undefined) continue;
      const release = releases.find({ digest: `sha256:${hex}` });
      if (release?.flatBytes === sizeBytes) shelf.adopt(name, sizeBytes, usedMs);
      else await store.remove(name);
    }
  }

  /** Read an image and keep it flat. Whoever asks for the same image meanwhile gets the same answer. */
  read(image: string): Promise<FlattenedRelease> {
    let reading = this.#reading.get(image);
    if (reading === undefined) {
      reading = this.#read(image).finally(() => this.#reading.delete(image));
      this.#reading.set(image, reading);
    }
    return reading;
  }

  /**
   * Open the flat image of a release, reading it again if it was evicted.
   *
   * @throws Error when another image is found under its name now.
   */
  async pin(release: ReadyRelease): Promise<PinnedFile> {
    const { shelf } = this.#parts;
    const name = imageFileName(release.flatDigest);
    const present = await shelf.pin(name);
    if (present !== undefined) return present;
    const { flatDigest } = await this.read(fixedName(release));
    const pinned = await shelf.pin(name);
    if (pinned === undefined)
      throw new Error(`expected ${release.flatDigest} under the name of a release, found ${flatDigest}`);
    return pinned;
  }

  /** Open the flat image of a release if it is there; else have it made, once its turn comes, and return nothing. */
  async open(release: ReadyRelease): Promise<PinnedFile | undefined> {
    const { flatDigest } = release;
    if (this.#parts.shelf.has(imageFileName(flatDigest))) return this.pin(release);
    if (this.#reopening.has(flatDigest)) return undefined;
    const reading = this.#parts.queue.add(async () => (await this.pin(release)).release());
    if (reading === undefined) return undefined;
    this.#reopening.add(flatDigest);
    reading.catch(() => {}).finally(() => this.#reopening.delete(flatDigest));
    return undefined;
  }

  async #read(image: string): Promise<FlattenedRelease> {
    const { shelf, maker, metrics, signal } = this.#parts;
    signal.throwIfAborted();
    let flattened: FlattenedRelease | undefined;
    try {
      await shelf.put(async (draft) => {
        flattened = await maker.flatten(image, draft, { signal });
        return { name: imageFileName(flattened.flatDigest), sizeBytes: flattened.flatBytes };
      });
    } catch (error) {
      metrics.flatdelta_images_failed_total.add();
      throw error;
    }
    metrics.flatdelta_images_read_total.add();
    return flattened!;
  }
}
