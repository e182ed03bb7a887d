import type { EntrySpan } from "../../encode/input.ts";

// No header has this hash but by chance, and then its bytes are compared. No entry has it as its identity.
const NO_HASH = 0n;

const HASHES = 3;

/** Spans as a few arrays: cloning twenty thousand objects from thread to thread takes longer than making them anew. */
export interface EntryColumns {
  paths: string[];
  /** For each: offset and length of the header, then of the content. */
  places: Float64Array<ArrayBuffer>;
  /** For each: hash of the content, then of the header, then its identity. */
  hashes: BigUint64Array<ArrayBuffer>;
}

/** Spans on their way to another thread. */
export function packEntries(entries: readonly EntrySpan[]): EntryColumns {
  const places = new Float64Array(4 * entries.length);
  const hashes = new BigUint64Array(HASHES * entries.length);
  entries.forEach((entry, i) => {
    places[4 * i] = entry.headerOffset;
    places[4 * i + 1] = entry.headerBytes;
    places[4 * i + 2] = entry.contentOffset;
    places[4 * i + 3] = entry.contentBytes;
    hashes[HASHES * i] = entry.contentHash;
    hashes[HASHES * i + 1] = entry.headerHash ?? NO_HASH;
    hashes[HASHES * i + 2] = entry.identity ?? NO_HASH;
  });
  return { paths: entries.map(({ path }) => path), places, hashes };
}

/** What {@link packEntries} packed. */
export function unpackEntries({ paths, places, hashes }: EntryColumns): EntrySpan[] {
  return paths.map((path, i) => {
    const [contentHash, headerHash, identity] = hashes.subarray(HASHES * i, HASHES * (i + 1)) as unknown as [
      bigint,
      bigint,
      bigint,
    ];
    return {
      path,
      headerOffset: places[4 * i]!,
      headerBytes: places[4 * i + 1]!,
      contentOffset: places[4 * i + 2]!,
      contentBytes: places[4 * i + 3]!,
      contentHash,
      headerHash: headerHash === NO_HASH ? undefined : headerHash,
      identity: identity === NO_HASH ? undefined : identity,
    };
  });
}
