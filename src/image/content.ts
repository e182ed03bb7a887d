import { checkRange, concatSources, type Source, zeroSource } from "../io/index.ts";
import type { TarEntry } from "./tar/index.ts";

/**
 * A range of another source that says which one: the flat image reads many small files that lie near each other in one
 * layer with a single read of that layer.
 */
export class RangeSource implements Source {
  readonly base: Source;
  readonly offset: number;
  readonly size: number;

  constructor(base: Source, offset: number, size: number) {
    checkRange(base.size, offset, size);
    this.base = base;
    this.offset = offset;
    this.size = size;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.size, offset, into.length);
    await this.base.read(this.offset + offset, into);
  }
}

/** Content of everything that is no file, and of empty files. */
export const NO_CONTENT: Source = zeroSource(0);

/** Content of a tar entry as a reader of the file sees it: the holes of a sparse file are zeros. */
export function entryContent(archive: Source, entry: TarEntry): Source {
  const { header, contentOffset, contentBytes } = entry;
  if (header.sizeBytes === 0) return NO_CONTENT;
  if (header.sparse === undefined) return new RangeSource(archive, contentOffset, contentBytes);
  const parts: Source[] = [];
  let end = 0;
  let storedAt = contentOffset;
  for (const extent of header.sparse) {
    parts.push(zeroSource(extent.offset - end), new RangeSource(archive, storedAt, extent.length));
    storedAt += extent.length;
    end = extent.offset + extent.length;
  }
  parts.push(zeroSource(header.sizeBytes - end));
  return concatSources(parts);
}
