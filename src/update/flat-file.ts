import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { applyDelta } from "../apply/index.ts";
import { findPendingFileUpdate, forgetFileUpdate, patchFileInPlace } from "../apply/node.ts";
import { toHex } from "../bytes/index.ts";
import { createCodingThreads } from "../codec/node.ts";
import { DeltaReader } from "../delta/index.ts";
import { ErrorCode, MismatchError } from "../errors.ts";
import { createSha256 } from "../hash/index.ts";
import { digestSource } from "../image/digest.ts";
import { flattenImage, type Image } from "../image/index.ts";
import { type Source, scanSource } from "../io/index.ts";
import { createResumableFile, openFileSource, type ResumableFile } from "../io/node.ts";
import type { ApplyHow, InstalledImage, SiteOptions, UpdateSession, UpdateSite } from "./site.ts";
import type { DeltaOffer, Digest } from "./source.ts";
import { checkRoom, openWorkFolder, type WorkFolder } from "./work-folder.ts";

/** Options of {@link flatFile}. */
export interface FlatFileOptions {
  /** Let deltas overwrite the file, which takes little room beside it. Else a new file is made beside it and takes its name. */
  inPlace?: boolean | undefined;
  /** Where the new image goes, when the old one is to stay. Not with `inPlace`. */
  output?: string | undefined;
  /** Folder for what is downloaded, and for layers of a full pull: `PATH.update` unless said otherwise. */
  work?: string | undefined;
}

/**
 * A flat image in a file, as the place of an update. The file may be missing: then the image is pulled.
 *
 * ```ts
 * await updateImage({ current: flatFile("/data/app.flat", { inPlace: true }), … });
 * ```
 *
 * @throws TypeError for `inPlace` with `output`.
 */
export function flatFile(path: string, options: FlatFileOptions = {}): UpdateSite {
  const { inPlace = false, output, work } = options;
  if (inPlace && output !== undefined)
    throw new TypeError("expected either inPlace or an output, got both: in place there is one file");
  return {
    open: async () => {
      // The file behind a link is updated, and the link kept.
      const real = await realpath(path).catch(() => resolve(path));
      return new FlatFileSession(
        real,
        output ?? real,
        inPlace,
        await openWorkFolder(work ?? `${real}.update`),
      );
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const hexOf = (digest: Digest): string => digest.replace(/^sha256:/u, "");

class FlatFileSession implements UpdateSession {
  readonly place: string;
  readonly isInPlace: boolean;
  readonly #output: string;
  readonly #folder: WorkFolder;

  constructor(path: string, output: string, isInPlace: boolean, folder: WorkFolder) {
    this.place = path;
    this.#output = output;
    this.isInPlace = isInPlace;
    this.#folder = folder;
  }

  get work() {
    return this.#folder.storage;
  }

  get scratch() {
    return this.#folder.scratch;
  }

  async resume(options: SiteOptions): Promise<Digest | undefined> {
    if (!(await isThere(this.place))) return undefined;
    const pending = await findPendingFileUpdate(this.place);
    if (pending === undefined) return undefined;
    if (!pending.isPrepared) {
      await this.forgetPending();
      return undefined;
    }
    const { targetSha256 } = await patchFileInPlace(this.place, undefined, options);
    return `sha256:${toHex(targetSha256)}`;
  }

  async readDigest({ signal, onProgress }: SiteOptions): Promise<Digest | undefined> {
    if (!(await isThere(this.place))) return undefined;
    const source = await openFileSource(this.place);
    try {
      return await digestSource(source, {
        signal,
        onBytes: (doneBytes) => onProgress?.({ phase: "check", doneBytes, totalBytes: source.size }),
      });
    } finally {
      await source.close();
    }
  }

  async hasBegun(): Promise<boolean> {
    if (!(await isThere(this.place))) return false;
    return (await findPendingFileUpdate(this.place))?.isPrepared === true;
  }

  forgetPending(): Promise<void> {
    return forgetFileUpdate(this.place);
  }

  /** What a delta on the way makes, when it is not made in place. */
  #stepPath(digest: Digest): string {
    return join(this.#folder.path, `${hexOf(digest)}.flat`);
  }

  hasMade({ targetDigest }: DeltaOffer): Promise<boolean> {
    return isThere(this.#stepPath(targetDigest));
  }

  async applyDelta(offer: DeltaOffer, delta: Source, how: ApplyHow, options: SiteOptions): Promise<void> {
    // Without threads for decoding: in place they take 13 to 21 MB, and the disk takes the time.
    if (this.isInPlace && !how.isBeside) await patchFileInPlace(this.place, delta, options);
    else await this.#applyBeside(offer, delta, how, options);
    if (how.isLast) await this.#removeSteps();
  }

  async #applyBeside(offer: DeltaOffer, delta: Source, how: ApplyHow, options: SiteOptions): Promise<void> {
    const segmentCoding = createCodingThreads();
    try {
      const step = this.#stepPath(offer.basisDigest);
      const basis = await openFileSource((await isThere(step)) ? step : this.place);
      const to = how.isLast ? this.#output : this.#stepPath(offer.targetDigest);
      try {
        const reader = await DeltaReader.open(delta, options);
        await reader.close();
        await writeFile(to, reader.header.targetBytes, options.signal, (file) =>
          applyDelta(basis, delta, file, { ...options, segmentCoding }),
        );
      } finally {
        await basis.close();
      }
    } finally {
      await segmentCoding.close();
    }
  }

  async install(
    image: Image,
    expected: Digest | undefined,
    { signal, onProgress }: SiteOptions,
  ): Promise<InstalledImage> {
    const flat = await flattenImage(image, { signal, onProgress });
    try {
      const { source } = flat;
      const digest = await writeFile(this.#output, source.size, signal, async (file) => {
        await file.continueAt(0);
        const hash = createSha256();
        let doneBytes = 0;
        for await (const piece of scanSource(source, { signal })) {
          hash.update(piece);
          await file.write(piece);
          doneBytes += piece.length;
          onProgress?.({ phase: "verify", doneBytes, totalBytes: source.size });
        }
        const actual = `sha256:${toHex(hash.digest())}`;
        if (expected !== undefined && actual !== expected) throw notTheRelease(expected, actual);
        return actual;
      });
      await this.#removeSteps();
      return { digest, flatBytes: source.size };
    } finally {
      await flat.close();
    }
  }

  async #removeSteps(): Promise<void> {
    for (const name of await this.work.list()) {
      if (/^\.?[0-9a-f]{64}\.flat(?:\.part)?$/u.test(name)) await this.work.remove(name);
    }
  }

  close(): Promise<void> {
    return this.#folder.close();
  }
}

/** The pulled image is not the one that the release names. */
export function notTheRelease(expected: Digest, actual: Digest): MismatchError {
  return new MismatchError(
    ErrorCode.TARGET_MISMATCH,
    `expected the release's flat image, ${expected}, the pulled image makes ${actual}; what was here stays`,
    { expected, actual },
  );
}

/** Let `fill` write a file that gets its name when it is whole. Only what was stopped leaves a part, for the next run. */
async function writeFile<Result>(
  path: string,
  sizeBytes: number,
  signal: AbortSignal | undefined,
  fill: (file: ResumableFile) => Promise<Result>,
): Promise<Result> {
  const file = await createResumableFile(path);
  try {
    await checkRoom(dirname(path), sizeBytes - file.existing.size, basename(path));
    const result = await fill(file);
    signal?.throwIfAborted();
    await file.commit();
    return result;
  } catch (error) {
    await (signal?.aborted ? file.keep() : file.discard());
    throw error;
  }
}
