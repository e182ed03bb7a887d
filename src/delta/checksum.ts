/**
 * The checksum that the delta format makes of an XXH64: its lower half.
 *
 * Damage escapes 32 bits once in four thousand million cases, and then the digest of the target, so that a tiny delta
 * need not carry more.
 *
 * @returns an unsigned 32-bit number.
 */
export function shortenChecksum(xxh64: bigint): number {
  return Number(xxh64 & 0xffffffffn);
}
