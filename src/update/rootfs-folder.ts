import { realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { toHex } from "../bytes/index.ts";
import { createDelta } from "../encode/index.ts";
import { ErrorCode, UnsupportedError } from "../errors.ts";
import { digestSource } from "../image/digest.ts";
import { type FlatImage, flattenImage, type Image } from "../image/index.ts";
import { readRootfs } from "../image/node.ts";
import { locateRootfs } from "../image/rootfs-site.ts";
import type { Source } from "../io/index.ts";
import {
  applyDeltaToRootfs,
  findPendingRootfsUpdate,
  type RootfsOptions,
  resumeRootfs,
} from "../rootfs/index.ts";
import { notTheRelease } from "./flat-file.ts";
import type { ApplyHow, InstalledImage, SiteOptions, UpdateSession, UpdateSite } from "./site.ts";
import type { DeltaOffer, Digest } from "./source.ts";
import { openWorkFolder, type WorkFolder } from "./work-folder.ts";

/** Options of {@link rootfsFolder}. */
export interface RootfsFolderOptions extends RootfsOptions {
  /** Folder for what is downloaded, and for layers of a full pull: `FOLDER.update` unless said otherwise. */
  work?: string | undefined;
}

/**
 * An unpacked root file system as the place of an update, always in place. Linux only. The folder must be there: it may be empty.
 *
 * A full pull, too, touches only what differs: a delta from the present tree is made on the device.
 *
 * ```ts
 * await updateImage({ current: rootfsFolder("/srv/app", { config: "/srv/app.json" }), … });
 * ```
 */
export function rootfsFolder(path: string, options: RootfsFolderOptions = {}): UpdateSite {
  return {
    open: async () => {
      if (!(await stat(path)).isDirectory()) {
        throw new UnsupportedError(
          ErrorCode.UNSUPPORTED_FEATURE,
          "expected a folder to hold the root file system",
          { path },
        );
      }
      const root = await realpath(path);
      return new RootfsSession(root, options, await openWorkFolder(options.work ?? `${root}.update`));
    },
  };
}

class RootfsSession implements UpdateSession {
  readonly place: string;
  // There is one way to apply, and nothing beside it to fall back to.
  readonly isInPlace = false;
  readonly #options: RootfsOptions;
  readonly #folder: WorkFolder;

  constructor(path: string, { config, xattrs }: RootfsOptions, folder: WorkFolder) {
    this.place = path;
    this.#options = { config, xattrs };
    this.#folder = folder;
  }

  get work() {
    return this.#folder.storage;
  }

  get scratch() {
    return this.#folder.scratch;
  }

  async resume(): Promise<Digest | undefined> {
    const resumed = await resumeRootfs(this.place, this.#options);
    return resumed && `sha256:${toHex(resumed.targetSha256)}`;
  }

  readDigest({ signal, onProgress }: SiteOptions): Promise<Digest | undefined> {
    return this.#withFlat(signal, ({ source }) =>
      digestSource(source, {
        signal,
        onBytes: (doneBytes) => onProgress?.({ phase: "check", doneBytes, totalBytes: source.size }),
      }),
    );
  }

  async hasBegun(): Promise<boolean> {
    return (await findPendingRootfsUpdate(this.place)) !== undefined;
  }

  async forgetPending(): Promise<void> {
    const { parent, stagingName } = locateRootfs(this.place);
    await rm(join(parent, stagingName), { recursive: true, force: true });
  }

  hasMade(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async applyDelta(_offer: DeltaOffer, delta: Source, _how: ApplyHow, options: SiteOptions): Promise<void> {
    await applyDeltaToRootfs(this.place, delta, { ...this.#options, ...options });
  }

  async install(image: Image, expected: Digest | undefined, options: SiteOptions): Promise<InstalledImage> {
    const { signal } = options;
    const target = await flattenImage(image, { signal });
    const scratch = await this.scratch();
    try {
      await this.#withFlat(signal, (basis) =>
        createDelta(basis, target, scratch, { level: 1, codec: "none", inPlace: false, signal }),
      );
      const digest: Digest = `sha256:${toHex((await (await target.index({ signal })).hashes).sha256)}`;
      if (expected !== undefined && digest !== expected) throw notTheRelease(expected, digest);
      await applyDeltaToRootfs(this.place, await scratch.finish(), { ...this.#options, ...options });
      return { digest, flatBytes: target.source.size };
    } finally {
      await scratch.release();
      await target.close();
    }
  }

  async #withFlat<Result>(
    signal: AbortSignal | undefined,
    run: (flat: FlatImage) => Promise<Result>,
  ): Promise<Result> {
    const image = await readRootfs(this.place, { ...this.#options, signal });
    try {
      const flat = await flattenImage(image, { signal });
      try {
        return await run(flat);
      } finally {
        await flat.close();
      }
    } finally {
      await image.close();
    }
  }

  close(): Promise<void> {
    return this.#folder.close();
  }
}
