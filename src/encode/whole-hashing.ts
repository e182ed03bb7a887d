import { createSha256, type HashSourceOptions, type WholeHashes } from "../hash/index.ts";
import { readPieces, type Source, type SourceRange } from "../io/index.ts";
import { EntryScanner, type ScannedTar } from "../transform/index.ts";

/** What one pass over a source tells. */
export interface WholePass extends WholeHashes {
  /** The entries of the tar that was to be looked at; nothing where they take a tar reader. */
  tar?: ScannedTar | undefined;
}

/** What a pass is to tell beside the hashes. */
export interface WholePassOptions {
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

/**
 * Read a source once, for all that is to be known of its bytes. A piece is still in the processor's nearer cache when it is looked at
 * again.
 */
export async function hashWholeSource(
  source: Source,
  { tar }: WholePassOptions,
  { signal, onBytes }: HashSourceOptions = {},
): Promise<WholePass> {
  const sha256 = createSha256();
  const scanner = await EntryScanner.create();
  const { piece } = scanner;
  let at = 0;
  await readPieces(source, piece, { signal }, (length) => {
    sha256.update(piece.subarray(0, length));
    scanner.hashPiece(length);
    if (tar !== undefined) {
      const from = Math.max(tar.offset, at);
      const end = Math.min(tar.offset + tar.length, at + length);
      if (from < end) scanner.scan(from, from - at, end - from);
    }
    at += length;
    onBytes?.(at);
  });
  return {
    sha256: sha256.digest(),
    xxh64: scanner.digest(),
    tar: tar === undefined ? undefined : scanner.finish(),
  };
}
