import type { FlattenedRelease, Maker } from "./maker.ts";
import type { ServiceMetrics } from "./metrics.ts";
import type { ReadyRelease } from "./releases.ts";
import type { PinnedFile, Shelf } from "./shelf.ts";

/** Name of a flat image in the store. */
export const imageFileName = (flatDigest: string): string =>
  `image/${flatDigest.slice("sha256:".length)}.flat`;

/** The name under which a release's image can be read again: a tag may have moved since, a digest cannot. */
function fixedName({ image, manifestDigest }: ReadyRelease): string {
  if (!image.startsWith("docker://") || manifestDigest === undefined) return image;
  const untagged = image.replace(/@.*$/u, "").replace(/:[^:/]*$/u, "");
  return `${untagged}@${manifestDigest}`;
}

/** The flat images of releases: made when they are needed, kept as long as there is room. */
export class FlatImages {
  readonly #shelf: Shelf;
  readonly #maker: Maker;
  readonly #metrics: ServiceMetrics;
  readonly #signal: AbortSignal;
  readonly #reading = new Map<string, Promise<FlattenedRelease>>();

  constructor(parts: { shelf: Shelf; maker: Maker; metrics: ServiceMetrics; signal: AbortSignal }) {
    this.#shelf = parts.shelf;
    this.#maker = parts.maker;
    this.#metrics = parts.metrics;
    this.#signal = parts.signal;
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
    const name = imageFileName(release.flatDigest);
    const present = await this.#shelf.pin(name);
    if (present !== undefined) return present;
    const { flatDigest } = await this.read(fixedName(release));
    const pinned = await this.#shelf.pin(name);
    if (pinned === undefined)
      throw new Error(`expected ${release.flatDigest} under the name of a release, found ${flatDigest}`);
    return pinned;
  }

  async #read(image: string): Promise<FlattenedRelease> {
    this.#signal.throwIfAborted();
    let flattened: FlattenedRelease | undefined;
    try {
      await this.#shelf.put(async (draft) => {
        flattened = await this.#maker.flatten(image, draft, { signal: this.#signal });
        return { name: imageFileName(flattened.flatDigest), sizeBytes: flattened.flatBytes };
      });
    } catch (error) {
      this.#metrics.flatdelta_images_failed_total.add();
      throw error;
    }
    this.#metrics.flatdelta_images_read_total.add();
    return flattened!;
  }
}
