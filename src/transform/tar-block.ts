/** What all tar header blocks share (POSIX.1-2017, pax, "ustar Interchange Format"). */

/** Bytes of a tar header, and what content is padded to. */
export const TAR_BLOCK_BYTES = 512;

/** Largest number that 11 octal digits hold, plus one: the limit of `size` and `mtime` in a ustar header. */
export const USTAR_SIZE_LIMIT = 8 ** 11;

/** Where the checksum field lies in a header, and its bytes. */
export const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;

const SPACE = 0x20;

/** `bytes` rounded up to whole blocks. */
export function roundUpToBlock(bytes: number): number {
  return Math.ceil(bytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
}

/** The sum of a header's bytes with its checksum field taken as spaces. */
export function sumTarBlock(block: Uint8Array): number {
  let sum = CHECKSUM_BYTES * SPACE;
  for (let i = 0; i < TAR_BLOCK_BYTES; i++) sum += block[i]!;
  for (let i = CHECKSUM_AT; i < CHECKSUM_AT + CHECKSUM_BYTES; i++) sum -= block[i]!;
  return sum;
}
