import { createSha256 } from "./sha256.ts";
import type { Hash64Api } from "./xxhash.ts";

/** Hashes of all bytes of a source. */
export interface WholeHashes {
  readonly sha256: Uint8Array;
  /** XXH64 (seed 0). Appliers know the basis by it. Of what becomes one target window, it spares reading most of it again. */
  readonly xxh64: bigint;
}

/** {@link WholeHashes} under way. */
export interface WholeHash {
  /** Take in the next bytes. They may be reused as soon as this returns. */
  update(bytes: Uint8Array): void;
  /** The hashes of all bytes; call it once, at the end. */
  digest(): WholeHashes;
}

/** Begin the hashes of bytes that come in pieces. */
export function createWholeHash({ create }: Hash64Api): WholeHash {
  const sha256 = createSha256();
  const xxh64 = create();
  return {
    update: (bytes) => {
      sha256.update(bytes);
      xxh64.update(bytes);
    },
    digest: () => ({ sha256: sha256.digest(), xxh64: xxh64.digest() }),
  };
}
