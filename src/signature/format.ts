/** Constants of the signature format: the one home of each. `FORMAT.md` beside this file says what they mean. */

/** First eight bytes of a signature: not text, with line ends that a text-mode transfer would change. */
export const SIGNATURE_MAGIC: Uint8Array = Uint8Array.of(0x89, 0x66, 0x6c, 0x61, 0x74, 0x73, 0x0d, 0x0a);

/** The version that this code reads and writes. */
export const SIGNATURE_VERSION = 1;

/** How weak hashes are made: 1 is RabinKarp as librsync defines it. */
export const WEAK_HASH_KIND = 1;

/** How strong hashes are made: 1 is XXH64 with seed 0. */
export const STRONG_HASH_KIND = 1;

/** Bytes of magic, version, header and header checksum. */
export const HEADER_FILE_BYTES = 72;

/** Bytes of an XXH64 checksum. */
export const CHECKSUM_BYTES = 8;

export const WEAK_HASH_BYTES = 4;
export const STRONG_HASH_BYTES = 8;
