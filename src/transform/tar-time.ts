/**
 * Tar headers that differ only in their modification time: what rebuilding an image does to every file.
 *
 * A pure function that encoder and applier share. It knows ustar header blocks in the one form that flat images write
 * them, and refuses every other.
 */
import { CHECKSUM_AT, roundUpToBlock, sumTarBlock, USTAR_SIZE_LIMIT } from "./tar-block.ts";

const SIZE_OFFSET = 124;
const TIME_OFFSET = 136;
const NUMBER_DIGITS = 11; // and a NUL behind them
const CHECKSUM_DIGITS = 6; // and a NUL and a space behind them
const CHECKSUM_BYTES = 8;

const ZERO = 0x30;
const SPACE = 0x20;

/** The number of some octal digits and a NUL; −1 when they are something else. */
function readOctal(block: Uint8Array, offset: number, digits: number): number {
  let value = 0;
  for (let i = offset; i < offset + digits; i++) {
    const digit = block[i]! - ZERO;
    if (digit < 0 || digit > 7) return -1;
    value = value * 8 + digit;
  }
  return block[offset + digits] === 0 ? value : -1;
}

function writeOctal(block: Uint8Array, offset: number, digits: number, value: number): void {
  let rest = value;
  for (let i = offset + digits - 1; i >= offset; i--) {
    const high = Math.floor(rest / 8);
    block[i] = ZERO + (rest - high * 8);
    rest = high;
  }
}

/** The modification time of a header block in seconds; −1 when the block has another form. */
export function readHeaderTime(block: Uint8Array): number {
  return readOctal(block, TIME_OFFSET, NUMBER_DIGITS);
}

/**
 * Move the modification time of a header block, in place, and write its checksum anew.
 *
 * @param block - 512 bytes.
 * @returns how many bytes of content and padding follow the header; −1 when the block is no header of the known form, or
 * the time would not fit. Then the block is as it was.
 */
export function shiftHeaderTime(block: Uint8Array, seconds: number): number {
  const size = readOctal(block, SIZE_OFFSET, NUMBER_DIGITS);
  const time = readHeaderTime(block);
  const checksum = readOctal(block, CHECKSUM_AT, CHECKSUM_DIGITS);
  const shifted = time + seconds;
  if (size < 0 || time < 0 || checksum !== sumTarBlock(block) || shifted < 0 || shifted >= USTAR_SIZE_LIMIT)
    return -1;
  if (block[CHECKSUM_AT + CHECKSUM_BYTES - 1] !== SPACE) return -1;
  writeOctal(block, TIME_OFFSET, NUMBER_DIGITS, shifted);
  writeOctal(block, CHECKSUM_AT, CHECKSUM_DIGITS, sumTarBlock(block));
  return roundUpToBlock(size);
}
