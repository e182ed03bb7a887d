import type { EntrySpan, SourceIndex } from "../encode/input.ts";
import { createSha256, loadHash64 } from "../hash/index.ts";
import { type Source, scanSource } from "../io/index.ts";
import { hashContent } from "./flat/scan.ts";
import { parseTar, ScanCursor, type TarLimits, trimPath } from "./tar/index.ts";

/** Options of {@link indexTar}. */
export interface IndexTarOptions {
  limits?: TarLimits | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Read any tar once: hashes of the whole, place and XXH64 of each entry. What `scanFlatImage` finds of a flat image, for tars of any
 * form.
 *
 * @throws {@link ImageError} `BAD_TAR_HEADER`, `TRUNCATED`, `BAD_ENTRY`; {@link LimitError}.
 */
export async function indexTar(source: Source, options: IndexTarOptions = {}): Promise<SourceIndex> {
  const { limits, signal } = options;
  const hashes = await loadHash64();
  const sha256 = createSha256();
  const xxh64 = hashes.create();
  async function* pieces() {
    for await (const piece of scanSource(source, { signal })) {
      sha256.update(piece);
      xxh64.update(piece);
      yield piece;
    }
  }
  const cursor = new ScanCursor(pieces(), source.size);
  const entries: EntrySpan[] = [];
  try {
    for await (const { header, headerOffset, contentOffset, contentBytes } of parseTar(cursor, limits)) {
      entries.push({
        path: trimPath(header.name),
        headerOffset,
        headerBytes: contentOffset - headerOffset,
        contentOffset,
        contentBytes,
        contentHash: await hashContent(cursor, contentBytes, hashes),
      });
    }
    await cursor.drain();
    return { hashes: Promise.resolve({ sha256: sha256.digest(), xxh64: xxh64.digest() }), entries };
  } finally {
    await cursor.close();
  }
}
