import { MAX_BLOCK_BYTES } from "../hash/index.ts";

/** The smallest block that is chosen: with 12 bytes of hashes each, smaller ones hardly describe less than they cost. */
const SMALLEST_CHOICE = 64;
/** What inputs from 1 MiB to 1 GiB get: the signature is 1.2 % of the basis. */
const USUAL_CHOICE = 1024;
/** The scan stays over 400 MB/s up to this many blocks: the filter for more of them leaves the cache. */
const MOST_BLOCKS = 2 ** 20;

/** Block size for a stream of which nobody knows how long it will be. */
export const UNKNOWN_SIZE_BLOCK_BYTES = 2048;

/**
 * The block size for a basis: a power of two from 64 to 65,536 bytes.
 *
 * A small basis gets blocks of about the square root of its size: with `k` scattered changes, signature and literals
 * together cost 12 · size / block + k · block bytes, least at √(12 · size / k). From 1 MiB on blocks are of 1024 bytes,
 * and over 1 GiB they double so that there are at most 2^20.
 */
export function chooseBlockBytes(basisBytes: number): number {
  let blockBytes = SMALLEST_CHOICE;
  while (blockBytes < USUAL_CHOICE && 4 * blockBytes * blockBytes <= basisBytes) blockBytes *= 2;
  while (blockBytes < MAX_BLOCK_BYTES && basisBytes / blockBytes > MOST_BLOCKS) blockBytes *= 2;
  return blockBytes;
}
