import type { EntrySpan } from "../../encode/input.ts";

// No header has this hash but by chance, and then its bytes are compared. No entry has it as its identity.
const NO_HASH = 0n;
const NO_TIME = -1;
/** Numbers for each entry in `places`. */
const PLACES = 5;
/** Numbers for each entry in `hashes`. */
const HASHES = 3;

/** Spans as a few arrays: cloning twenty thousand objects from thread to thread takes longer than making them anew. */
export interface EntryColumns {
  paths: string[];
  /** For each: offset and length of the header, then of the content, the header's time. */
  places: Float64Array<ArrayBuffer>;
  /** For each: hash of the content, then of the header, then its identity. */
  hashes: BigUint64Array<ArrayBuffer>;
}

/** Spans on their way to another thread. */
export function packEntries(entries: readonly EntrySpan[]): EntryColumns {
  const places = new Float64Array(PLACES * entries.length);
  const hashes = new BigUint64Array(HASHES * entries.length);
  entries.forEach((entry, i) => {
    const { headerOffset, headerBytes, contentOffset, contentBytes, headerTime = NO_TIME } = entry;
    places.set([headerOffset, headerBytes, contentOffset, contentBytes, headerTime], PLACES * i);
    hashes[HASHES * i] = entry.contentHash;
    hashes[HASHES * i + 1] = entry.headerHash ?? NO_HASH;
    hashes[HASHES * i + 2] = entry.identity ?? NO_HASH;
  });
  return { paths: entries.map(({ path }) => path), places, hashes };
}

/** What {@link packEntries} packed. */
export function unpackEntries({ paths, places, hashes }: EntryColumns): EntrySpan[] {
  return paths.map((path, i) => {
    const headerHash = hashes[HASHES * i + 1]!;
    const headerTime = places[PLACES * i + 4]!;
    const identity = hashes[HASHES * i + 2]!;
    return {
      path,
      headerOffset: places[PLACES * i]!,
      headerBytes: places[PLACES * i + 1]!,
      contentOffset: places[PLACES * i + 2]!,
      contentBytes: places[PLACES * i + 3]!,
      contentHash: hashes[HASHES * i]!,
      headerHash: headerHash === NO_HASH ? undefined : headerHash,
      headerTime: headerTime === NO_TIME ? undefined : headerTime,
      identity: identity === NO_HASH ? undefined : identity,
    };
  });
}
