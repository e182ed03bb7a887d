import { createSha256, type HashSourceOptions } from "../hash/index.ts";
import { type Source, type SourceRange, scanSource } from "../io/index.ts";
import { EntryScanner, type ScannedTar } from "../transform/index.ts";

/** Hashes of all bytes of a source. */
export interface WholeHashes {
  sha256: Uint8Array;
  /** XXH64 (seed 0), if it was asked for: of what becomes one target window, it spares reading most of it again. */
  xxh64?: bigint | undefined;
}

/** What one pass over a source tells. */
export interface WholePass extends WholeHashes {
  /** The entries of the tar that was to be looked at; nothing where they take a tar reader. */
  tar?: ScannedTar | undefined;
}

/** What a pass is to tell beside the SHA-256. */
export interface WholePassOptions {
  wantsXxh64?: boolean | undefined;
  /** Where in the source a tar lies whose entries are wanted. */
  tar?: SourceRange | undefined;
}

/** Where images and files are read for their hashes and their entries: in this thread, or on others. */
export interface WholeHashing {
  /**
   * Read all bytes of a source. Calls may overlap.
   *
   * @param signal - when it is aborted the call rejects with its reason.
   * @returns nothing where the calling thread is to do it.
   */
  hashWhole(source: Source, options: WholePassOptions, signal?: AbortSignal): Promise<WholePass> | undefined;
}

/** Leaves it to the calling thread. */
export const inlineWholeHashing: WholeHashing = { hashWhole: () => undefined };

/** So many pieces are read at once, then one while the event loop turns: signals are to be seen. */
const TURN_PIECES = 64;

/**
 * Read a source once, for all that is to be known of its bytes. A piece is still in the processor's nearer cache when it is looked at
 * again.
 */
export async function hashWholeSource(
  source: Source,
  { wantsXxh64 = false, tar }: WholePassOptions,
  { signal, onBytes }: HashSourceOptions = {},
): Promise<WholePass> {
  const sha256 = createSha256();
  const scanner = await EntryScanner.create();
  const { piece } = scanner;
  let at = 0;
  const takeIn = (length: number): void => {
    sha256.update(piece.subarray(0, length));
    if (wantsXxh64) scanner.hashPiece(length);
    if (tar !== undefined) {
      const from = Math.max(tar.offset, at);
      const end = Math.min(tar.offset + tar.length, at + length);
      if (from < end) scanner.scan(from, from - at, end - from);
    }
    at += length;
    onBytes?.(at);
  };
  if (source.readSync === undefined) {
    for await (const part of scanSource(source, { chunkBytes: piece.length, signal })) {
      piece.set(part);
      takeIn(part.length);
    }
  } else {
    const next = (): Uint8Array => piece.subarray(0, Math.min(piece.length, source.size - at));
    while (at < source.size) {
      signal?.throwIfAborted();
      const first = next();
      await source.read(at, first);
      takeIn(first.length);
      for (let turn = 1; turn < TURN_PIECES && at < source.size; turn++) {
        const part = next();
        source.readSync(at, part);
        takeIn(part.length);
      }
    }
  }
  return {
    sha256: sha256.digest(),
    xxh64: wantsXxh64 ? scanner.digest() : undefined,
    tar: tar === undefined ? undefined : scanner.finish(),
  };
}
