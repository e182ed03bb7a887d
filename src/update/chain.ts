import type { Digest } from "./source.ts";

/** A delta between two flat images, as it is listed. */
export interface ListedDelta {
  readonly basisFlatDigest: Digest;
  /** Digest of the manifest of the image that it starts from, under which deltas to that one are listed. */
  readonly basisManifestDigest?: Digest | undefined;
  readonly targetFlatDigest: Digest;
  readonly deltaBytes: number;
}

/** What {@link findChain} needs. */
export interface ChainOptions<Delta extends ListedDelta> {
  /** The flat image to start from. */
  readonly basisDigest: Digest;
  /** The deltas to the wanted image. */
  readonly direct: readonly Delta[];
  /** Lists the deltas to the image of a manifest. */
  readonly list: (manifestDigest: Digest) => Promise<readonly Delta[]>;
  readonly maxHops: number;
  /** A chain is of use only if it has fewer bytes. */
  readonly maxBytes: number;
}

// Each one is a request.
const MAX_LISTS = 32;

interface Path<Delta> {
  readonly bytes: number;
  /** In the order in which they are applied. */
  readonly hops: readonly Delta[];
}

/**
 * The deltas with the fewest bytes altogether that lead from a flat image to the wanted one; none when there are none, or when they are
 * too many or too large. Lists are followed back from the wanted image, the cheapest way first (Dijkstra's algorithm).
 */
export async function findChain<Delta extends ListedDelta>({
  basisDigest,
  direct,
  list,
  maxHops,
  maxBytes,
}: ChainOptions<Delta>): Promise<readonly Delta[]> {
  const open: Path<Delta>[] = [];
  const extend = (deltas: readonly Delta[], { bytes, hops }: Path<Delta>): void => {
    for (const delta of deltas) {
      const sum = bytes + delta.deltaBytes;
      const fits = hops.length === 0 || delta.targetFlatDigest === hops[0]!.basisFlatDigest;
      if (fits && sum < maxBytes) open.push({ bytes: sum, hops: [delta, ...hops] });
    }
  };
  extend(direct, { bytes: 0, hops: [] });
  const seen = new Set<Digest>();
  for (let lists = 0; lists < MAX_LISTS && open.length > 0; ) {
    const path = takeCheapest(open);
    const { basisFlatDigest, basisManifestDigest } = path.hops[0]!;
    if (basisFlatDigest === basisDigest) return path.hops;
    if (path.hops.length >= maxHops || basisManifestDigest === undefined) continue;
    // A cheaper way from there was followed already.
    if (seen.has(basisFlatDigest)) continue;
    seen.add(basisFlatDigest);
    lists++;
    extend(await list(basisManifestDigest), path);
  }
  return [];
}

function takeCheapest<Delta>(open: Path<Delta>[]): Path<Delta> {
  let best = 0;
  for (let i = 1; i < open.length; i++) if (open[i]!.bytes < open[best]!.bytes) best = i;
  return open.splice(best, 1)[0]!;
}
