/**
 * The header block of an entry of the outer archive, see FORMAT.md, section 2.
 *
 * tar-stream writes the same bytes, and tests hold this against it. It is not used here since its streams need Node's
 * `events`, which no browser has and bundlers do not put in its place.
 */
import { BLOCK_BYTES, putBinary, sumHeaderBlock, USTAR_SIZE_LIMIT } from "../tar/index.ts";

const NAME_BYTES = 100;
const SIZE_AT = 124;
const CHECKSUM_AT = 148;

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

/** GNU's base 256: the mark 0x80, then 11 bytes big-endian. */
function putBase256Size(out: Uint8Array, sizeBytes: number): void {
  out[SIZE_AT] = 0x80;
  for (let i = 11, rest = sizeBytes; rest > 0; i--) {
    const high = Math.floor(rest / 256);
    out[SIZE_AT + i] = rest - 256 * high;
    rest = high;
  }
}

/**
 * The header of a file of the outer archive.
 *
 * @param name - of ASCII characters, at most 100.
 * @param sizeBytes - size of its content, to 2^53 − 1.
 * @throws RangeError when one of them does not fit.
 */
export function encodeOuterHeader(name: string, sizeBytes: number): Uint8Array {
  if (name.length > NAME_BYTES) {
    throw new RangeError(`name: expected at most ${NAME_BYTES} characters, got ${name.length}`);
  }
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw new RangeError(`sizeBytes: expected 0 to 2^53 − 1, got ${sizeBytes}`);
  }
  const out = new Uint8Array(BLOCK_BYTES);
  putBinary(out, 0, name);
  putBinary(out, 100, "000644 ");
  putBinary(out, 108, "000000 ");
  putBinary(out, 116, "000000 ");
  if (sizeBytes < USTAR_SIZE_LIMIT) putBinary(out, SIZE_AT, `${octal(sizeBytes, 11)} `);
  else putBase256Size(out, sizeBytes);
  putBinary(out, 136, "00000000000 ");
  putBinary(out, 156, "0");
  putBinary(out, 257, "ustar\x0000");
  putBinary(out, 329, "000000 ");
  putBinary(out, 337, "000000 ");
  putBinary(out, CHECKSUM_AT, `${octal(sumHeaderBlock(out).unsigned, 6)} `);
  return out;
}
