/**
 * Tar headers that follow from others: with another time, as rebuilding an image gives every file, with the size of a
 * file that was edited, with the name of a neighbour.
 *
 * Pure functions that encoder and applier share. They know ustar header blocks in the one form that flat images write
 * them, and refuse every other.
 */
import { equalBytes } from "../bytes/index.ts";
import { HEADER_TEXTS, type HeaderChange, type TextSplice } from "../delta/index.ts";
import { CHECKSUM_AT, roundUpToBlock, sumTarBlock, TAR_BLOCK_BYTES, USTAR_SIZE_LIMIT } from "./tar-block.ts";

const SIZE_AT = 124;
const TIME_AT = 136;
const NUMBER_DIGITS = 11; // and a NUL behind them
const CHECKSUM_DIGITS = 6; // and a NUL and a space behind them

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

function hasChecksum(block: Uint8Array): boolean {
  return (
    readOctal(block, CHECKSUM_AT, CHECKSUM_DIGITS) === sumTarBlock(block) &&
    block[CHECKSUM_AT + CHECKSUM_DIGITS + 1] === SPACE
  );
}

/** The modification time of a header block in seconds; −1 when the field has another form. */
export function readHeaderTime(block: Uint8Array): number {
  return readOctal(block, TIME_AT, NUMBER_DIGITS);
}

const isNumber = (value: number): boolean => value >= 0 && value < USTAR_SIZE_LIMIT;

/**
 * Move the modification time of a header block, in place, and write its checksum anew.
 *
 * @param block - 512 bytes.
 * @returns how many bytes of content and padding follow the header; −1 when the block is no header of the known form, or
 * the time would not fit. Then the block is as it was.
 */
export function shiftHeaderTime(block: Uint8Array, seconds: number): number {
  const size = readOctal(block, SIZE_AT, NUMBER_DIGITS);
  const time = readHeaderTime(block);
  if (size < 0 || time < 0 || !isNumber(time + seconds) || !hasChecksum(block)) return -1;
  writeOctal(block, TIME_AT, NUMBER_DIGITS, time + seconds);
  writeOctal(block, CHECKSUM_AT, CHECKSUM_DIGITS, sumTarBlock(block));
  return roundUpToBlock(size);
}

/** How many bytes a text field holds; −1 when other bytes than NULs are behind the first NUL. */
function textBytes(block: Uint8Array, offset: number, bytes: number): number {
  let length = bytes;
  while (length > 0 && block[offset + length - 1] === 0) length--;
  for (let i = 0; i < length; i++) if (block[offset + i] === 0) return -1;
  return length;
}

function spliceText(block: Uint8Array, splice: TextSplice, inserted: Uint8Array): boolean {
  const { offset, bytes } = HEADER_TEXTS[splice.text]!;
  const length = textBytes(block, offset, bytes);
  const { keptBytes, removedBytes } = splice;
  const tail = length - keptBytes - removedBytes;
  if (length < 0 || tail < 0 || keptBytes + inserted.length + tail > bytes) return false;
  const tailFrom = offset + length - tail;
  const tailTo = offset + keptBytes + inserted.length;
  block.copyWithin(tailTo, tailFrom, tailFrom + tail);
  block.set(inserted, offset + keptBytes);
  block.fill(0, tailTo + tail, offset + bytes);
  return true;
}

/**
 * Change a header block in place: its size, its time, its texts, and its checksum by them.
 *
 * @param block - 512 bytes.
 * @param timeShift - seconds to add to the time, unless the change names the time itself.
 * @param inserted - the bytes that the splices insert, one after another.
 * @returns whether the block is a header of the known form and the change fits; if not, the block may be changed in part.
 */
export function changeHeader(
  block: Uint8Array,
  change: HeaderChange,
  timeShift: number,
  inserted: Uint8Array,
): boolean {
  const size = readOctal(block, SIZE_AT, NUMBER_DIGITS);
  const time = readHeaderTime(block);
  if (size < 0 || time < 0 || !hasChecksum(block)) return false;
  const newSize = size + change.sizeDelta;
  const newTime = change.time ?? time + timeShift;
  if (!isNumber(newSize) || !isNumber(newTime)) return false;
  writeOctal(block, SIZE_AT, NUMBER_DIGITS, newSize);
  writeOctal(block, TIME_AT, NUMBER_DIGITS, newTime);
  let used = 0;
  for (const splice of change.splices) {
    const end = used + splice.insertedBytes;
    if (!spliceText(block, splice, inserted.subarray(used, end))) return false;
    used = end;
  }
  writeOctal(block, CHECKSUM_AT, CHECKSUM_DIGITS, sumTarBlock(block));
  return true;
}

/**
 * Take the modification time out of a header block, in place, and the checksum, which follows from the rest: two headers that are
 * equal then become each other by {@link shiftHeaderTime}.
 *
 * @param block - 512 bytes.
 * @param contentBytes - what the header must announce.
 * @returns the time in seconds; −1 when the block is no header of the known form. Then the block is as it was.
 */
export function takeHeaderTime(block: Uint8Array, contentBytes: number): number {
  const size = readOctal(block, SIZE_AT, NUMBER_DIGITS);
  const time = readHeaderTime(block);
  if (size !== contentBytes || time < 0 || !hasChecksum(block)) return -1;
  block.fill(0, TIME_AT, TIME_AT + NUMBER_DIGITS);
  block.fill(0, CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_DIGITS);
  return time;
}

/** What {@link changeHeader} makes a header of. */
export interface PlannedHeader {
  sizeDelta: number;
  timeShift: number;
  /** The time that comes out. */
  time: number;
  splices: readonly TextSplice[];
  inserted: Uint8Array;
}

/** The splice that turns one text field into another: all that lies between their common ends. */
function planSplice(text: number, basis: Uint8Array, target: Uint8Array): TextSplice | undefined {
  const { offset, bytes } = HEADER_TEXTS[text]!;
  const before = textBytes(basis, offset, bytes);
  const after = textBytes(target, offset, bytes);
  const shorter = Math.min(before, after);
  let kept = 0;
  while (kept < shorter && basis[offset + kept] === target[offset + kept]) kept++;
  let tail = 0;
  while (tail < shorter - kept && basis[offset + before - 1 - tail] === target[offset + after - 1 - tail])
    tail++;
  const removedBytes = Math.max(before, 0) - kept - tail;
  const insertedBytes = Math.max(after, 0) - kept - tail;
  return removedBytes === 0 && insertedBytes === 0
    ? undefined
    : { text, keptBytes: kept, removedBytes, insertedBytes };
}

/**
 * How one header block follows from another.
 *
 * @param basis - 512 bytes, as `target`.
 * @returns undefined when they differ in more than size, time, texts and checksum, or one is no header of the known form.
 */
export function planHeader(basis: Uint8Array, target: Uint8Array): PlannedHeader | undefined {
  const sizeDelta = readOctal(target, SIZE_AT, NUMBER_DIGITS) - readOctal(basis, SIZE_AT, NUMBER_DIGITS);
  const time = readHeaderTime(target);
  const splices: TextSplice[] = [];
  const parts: number[] = [];
  for (let text = 0; text < HEADER_TEXTS.length; text++) {
    const splice = planSplice(text, basis, target);
    if (splice === undefined) continue;
    const from = HEADER_TEXTS[text]!.offset + splice.keptBytes;
    splices.push(splice);
    parts.push(...target.subarray(from, from + splice.insertedBytes));
  }
  const inserted = Uint8Array.from(parts);
  const made = basis.slice(0, TAR_BLOCK_BYTES);
  const timeShift = time - readHeaderTime(basis);
  if (!changeHeader(made, { sizeDelta, time: undefined, splices }, timeShift, inserted)) return undefined;
  return equalBytes(made, target) ? { sizeDelta, timeShift, time, splices, inserted } : undefined;
}
