/**
 * The header block of an entry of a flat image's outer archive: FORMAT.md of `image`, section 2.
 *
 * tar-stream writes the same bytes, and tests hold this against it. It is not used here since its streams need Node's
 * `events`, which no browser has and bundlers do not put in its place.
 */
import { CHECKSUM_AT, sumTarBlock, TAR_BLOCK_BYTES, USTAR_SIZE_LIMIT } from "./tar-block.ts";

const NAME_BYTES = 100;
const SIZE_AT = 124;

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

function putText(out: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
}

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
  const out = new Uint8Array(TAR_BLOCK_BYTES);
  putText(out, 0, name);
  putText(out, 100, "000644 ");
  putText(out, 108, "000000 ");
  putText(out, 116, "000000 ");
  if (sizeBytes < USTAR_SIZE_LIMIT) putText(out, SIZE_AT, `${octal(sizeBytes, 11)} `);
  else putBase256Size(out, sizeBytes);
  putText(out, 136, "00000000000 ");
  putText(out, 156, "0");
  putText(out, 257, "ustar\x0000");
  putText(out, 329, "000000 ");
  putText(out, 337, "000000 ");
  putText(out, CHECKSUM_AT, `${octal(sumTarBlock(out), 6)} `);
  return out;
}
