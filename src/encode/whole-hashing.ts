import { createSha256, type HashSourceOptions, loadHash64 } from "../hash/index.ts";
import { type Source, scanSource } from "../io/index.ts";

/** Hashes of all bytes of a source. */
export interface WholeHashes {
  sha256: Uint8Array;
  /** XXH64 (seed 0), if it was asked for: of what becomes one target window, it spares reading most of it again. */
  xxh64?: bigint | undefined;
}

/** Where images and files are hashed while they are indexed: in this thread, or on others. */
export interface WholeHashing {
  /**
   * Hash all bytes of a source. Calls may overlap.
   *
   * @param signal - when it is aborted the call rejects with its reason.
   * @returns nothing where whoever reads the source for its index is to hash it in passing.
   */
  hashWhole(source: Source, wantsXxh64: boolean, signal?: AbortSignal): Promise<WholeHashes> | undefined;
}

/** Leaves it to the calling thread's own pass. */
export const inlineWholeHashing: WholeHashing = { hashWhole: () => undefined };

// What was read is still in the processor's nearer cache when it is hashed a second time.
const PIECE_BYTES = 1 << 18;

/** Read a source once for its hashes. */
export async function hashWholeSource(
  source: Source,
  wantsXxh64: boolean,
  options: HashSourceOptions = {},
): Promise<WholeHashes> {
  const { onBytes, ...scan } = options;
  const sha256 = createSha256();
  const hash64 = wantsXxh64 ? (await loadHash64()).create() : undefined;
  let doneBytes = 0;
  for await (const piece of scanSource(source, { chunkBytes: PIECE_BYTES, ...scan })) {
    sha256.update(piece);
    hash64?.update(piece);
    doneBytes += piece.length;
    onBytes?.(doneBytes);
  }
  return { sha256: sha256.digest(), xxh64: hash64?.digest() };
}
