import type { EntrySpan, SourceIndex } from "../encode/input.ts";
import { createWholeHash, loadHash64 } from "../hash/index.ts";
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
  const whole = createWholeHash(hashes);
  async function* pieces() {
    for await (const piece of scanSource(source, { signal })) {
      whole.update(piece);
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
    return { hashes: Promise.resolve(whole.digest()), entries };
  } finally {
    await cursor.close();
  }
}
