import { checkBlockBytes, SHA256_BYTES } from "../hash/index.ts";

/** Describes a basis block by block, so that a delta can be made without it. */
export interface Signature {
  /** Size of the basis. */
  basisBytes: number;
  /** SHA-256 of the basis. */
  basisSha256: Uint8Array;
  /** XXH64 of the basis, seed 0: appliers know it by that. */
  basisXxh64: bigint;
  /** Size of each block but the last, which has what is left. */
  blockBytes: number;
  /** The weak hash of each block: RabinKarp as librsync defines it. */
  weakHashes: Uint32Array;
  /** The strong hash of each block: XXH64 with seed 0. */
  strongHashes: BigUint64Array;
}

/** How many blocks a basis has, a short last one included. */
export function countBlocks(basisBytes: number, blockBytes: number): number {
  return Math.ceil(basisBytes / blockBytes);
}

/** What a reader or builder of signatures allows: 12 bytes of memory for each block. */
export interface SignatureLimits {
  /** Number of blocks. */
  blockCount: number;
}

/** The limits that hold unless the caller sets others: 2^24 blocks, 192 MiB of hashes. */
export const DEFAULT_SIGNATURE_LIMITS: SignatureLimits = { blockCount: 2 ** 24 };

/**
 * Check that the parts of a signature fit each other.
 *
 * @throws RangeError when they do not.
 */
export function checkSignature(signature: Signature): void {
  const { basisBytes, basisSha256, blockBytes, weakHashes, strongHashes } = signature;
  checkBlockBytes(blockBytes);
  if (!Number.isSafeInteger(basisBytes) || basisBytes < 0) {
    throw new RangeError(`basisBytes: expected 0 … 2^53 − 1, got ${basisBytes}`);
  }
  if (basisSha256.length !== SHA256_BYTES) {
    throw new RangeError(`basisSha256: expected ${SHA256_BYTES} bytes, got ${basisSha256.length}`);
  }
  const blocks = countBlocks(basisBytes, blockBytes);
  if (weakHashes.length !== blocks || strongHashes.length !== blocks) {
    throw new RangeError(
      `expected ${blocks} weak and strong hashes, got ${weakHashes.length} and ${strongHashes.length}`,
    );
  }
}
