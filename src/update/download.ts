import { toHex } from "../bytes/index.ts";
import { ErrorCode, isFlatdeltaError, MismatchError, NetworkError, SpaceError } from "../errors.ts";
import { digestSource } from "../image/digest.ts";
import type { StorageFile, StorageFolder } from "../io/index.ts";
import type { DeltaOffer, Digest, SourceOptions, UpdateSource } from "./source.ts";

const SUFFIX = ".delta";

const OTHER_BYTES: ReadonlySet<ErrorCode> = new Set([ErrorCode.SOURCE_CHANGED, ErrorCode.DIGEST_MISMATCH]);

/** What a download is called: by its content, so that what a later run finds under the name belongs to it. */
function nameOf(digest: Digest): string {
  return digest.replace(/^sha256:/u, "") + SUFFIX;
}

/** Remove downloads but those of some deltas. */
export async function removeDownloads(work: StorageFolder, keep: readonly DeltaOffer[] = []): Promise<void> {
  const kept = new Set(keep.map(({ deltaDigest }) => nameOf(deltaDigest)));
  for (const name of await work.list()) {
    if (name.endsWith(SUFFIX) && !kept.has(name)) await work.remove(name);
  }
}

/** One delta on its way into the work folder. What has arrived stays there, for this process and the next. */
export class DeltaDownload {
  readonly #file: StorageFile;
  readonly #work: StorageFolder;
  readonly #offer: DeltaOffer;
  /** Bytes that came over the network, in this process. */
  movedBytes = 0;

  private constructor(file: StorageFile, work: StorageFolder, offer: DeltaOffer) {
    this.#file = file;
    this.#work = work;
    this.#offer = offer;
  }

  static async open(work: StorageFolder, offer: DeltaOffer): Promise<DeltaDownload> {
    const name = nameOf(offer.deltaDigest);
    const isThere = (await work.list()).includes(name);
    const file = await work.openFile(name, isThere ? "existing" : "new");
    if (!isThere) await work.sync();
    return new DeltaDownload(file, work, offer);
  }

  /** What has arrived so far. */
  get file(): StorageFile {
    return this.#file;
  }

  /**
   * Get what is missing, and prove the whole.
   *
   * @throws {@link NetworkError} of the source; `DIGEST_MISMATCH`, retryable, when the bytes are not those that were offered: they
   * are dropped; {@link SpaceError} `NO_SPACE`.
   */
  async complete(
    source: UpdateSource,
    options: SourceOptions & { onBytes: (doneBytes: number) => void },
  ): Promise<void> {
    const { deltaBytes, deltaDigest } = this.#offer;
    const file = this.#file;
    if (file.size > deltaBytes) await file.truncate(0);
    options.onBytes(file.size);
    if (file.size < deltaBytes) {
      await this.#checkSpace();
      await this.#receive(source, options).catch(async (error) => {
        // A source may see for itself that these are other bytes.
        const isOther = isFlatdeltaError(error) && OTHER_BYTES.has(error.code);
        if (isOther && !(error instanceof NetworkError))
          await this.#drop(deltaDigest, error.actual ?? "another file");
        throw error;
      });
      await file.sync();
    }
    const actual = await digestSource(file, { signal: options.signal });
    if (actual !== deltaDigest) await this.#drop(deltaDigest, actual);
  }

  async #receive(
    source: UpdateSource,
    options: SourceOptions & { onBytes: (doneBytes: number) => void },
  ): Promise<void> {
    const { deltaBytes } = this.#offer;
    const file = this.#file;
    for await (const piece of await source.openDelta(this.#offer, file.size, options)) {
      options.signal?.throwIfAborted();
      if (file.size + piece.length > deltaBytes) await this.#drop(`${deltaBytes} bytes`, "more");
      await file.write(file.size, piece);
      this.movedBytes += piece.length;
      options.onBytes(file.size);
    }
    if (file.size < deltaBytes) {
      throw new NetworkError(
        ErrorCode.UNREACHABLE,
        `expected a delta of ${deltaBytes} bytes, it ended after ${file.size}`,
        { isRetryable: true },
      );
    }
  }

  async #drop(expected: string, actual: string): Promise<never> {
    await this.#file.truncate(0);
    throw new NetworkError(
      ErrorCode.DIGEST_MISMATCH,
      `expected the delta that was offered, ${expected}, found ${actual}; what was downloaded is dropped`,
      { expected, actual, isRetryable: true },
    );
  }

  async #checkSpace(): Promise<void> {
    const needed = this.#offer.deltaBytes - this.#file.size;
    const free = await this.#work.freeBytes();
    if (needed <= free) return;
    throw new SpaceError(
      ErrorCode.NO_SPACE,
      `expected ${needed} free bytes for the delta, found ${free}; nothing was changed`,
      { expected: String(needed), actual: String(free) },
    );
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Check that a delta leads from and to what its offer says.
 *
 * @throws {@link MismatchError} `BASIS_MISMATCH`, `TARGET_MISMATCH`.
 */
export function checkOffer(
  offer: DeltaOffer,
  header: { basisSha256: Uint8Array; targetSha256: Uint8Array },
): void {
  const ends = [
    ["basis", ErrorCode.BASIS_MISMATCH, offer.basisDigest, header.basisSha256],
    ["target", ErrorCode.TARGET_MISMATCH, offer.targetDigest, header.targetSha256],
  ] as const;
  for (const [what, code, expected, digest] of ends) {
    const actual = `sha256:${toHex(digest)}`;
    if (actual === expected) continue;
    throw new MismatchError(
      code,
      `expected a delta whose ${what} is ${expected}, the one that came is of ${actual}`,
      { expected, actual },
    );
  }
}
