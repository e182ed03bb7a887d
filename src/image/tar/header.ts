/**
 * The 512-byte header block of a tar entry: POSIX.1-1988 ustar, the older v7 form, and GNU's and star's variants.
 *
 * tar-stream is not used for reading headers: it decodes names and PAX values as UTF-8, which destroys the binary
 * `security.capability` attributes of real images, has no sparse files, and cannot give a header back bit for bit.
 */
import { ErrorCode, ImageError } from "../../errors.ts";
import { roundUpToBlock, sumTarBlock, TAR_BLOCK_BYTES, USTAR_SIZE_LIMIT } from "../../transform/index.ts";
import { decodeBinary, putBinary } from "./text.ts";

/** Size of a header and the unit that contents are padded to. */
export const BLOCK_BYTES = TAR_BLOCK_BYTES;

export { roundUpToBlock, USTAR_SIZE_LIMIT };

/** Largest number that 7 octal digits hold, plus one: the limit of `uid`, `gid` and device numbers. */
export const USTAR_ID_LIMIT = 8 ** 7;

/** The fields of one header block, before extended headers are applied. Names are binary strings. */
export interface HeaderBlock {
  format: "v7" | "ustar" | "star" | "gnu";
  /** The byte that tells the type ("0", "5", "x", ...); the NUL of old archives is "\0". */
  typeflag: string;
  name: string;
  linkName: string;
  /** Permission bits, setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  mtimeSeconds: number;
  /** 0 unless the entry is a device. */
  deviceMajor: number;
  deviceMinor: number;
}

/** Whether a block is all zeros: half of the end mark of an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK_BYTES; i++) if (block[i] !== 0) return false;
  return true;
}

function badHeader(message: string, offset: number): ImageError {
  return new ImageError(ErrorCode.BAD_TAR_HEADER, message, { offset });
}

/** The bytes of a field up to its first NUL. */
function readText(block: Uint8Array, at: number, length: number): string {
  if (block[at] === 0) return "";
  const end = block.indexOf(0, at);
  return decodeBinary(block.subarray(at, end < 0 || end > at + length ? at + length : end));
}

/** GNU's base-256 form: big-endian two's complement, with the top bit of the first byte set as the mark. */
function readBase256(block: Uint8Array, at: number, length: number, what: string, offset: number): number {
  const negative = (block[at]! & 0x40) !== 0;
  let value = BigInt(block[at]! & 0x3f);
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[at + i]!);
  if (negative) value -= 1n << BigInt(8 * length - 2);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw badHeader(`${what} of a tar header is over 2^53 − 1`, offset);
  return number;
}

/** A number in octal digits, with spaces or NULs around it, or in base 256. An empty field is 0. */
function readNumber(block: Uint8Array, at: number, length: number, what: string, offset: number): number {
  if ((block[at]! & 0x80) !== 0) return readBase256(block, at, length, what, offset);
  const end = at + length;
  let i = at;
  while (i < end && (block[i] === 0x20 || block[i] === 0)) i++;
  let value = 0;
  for (; i < end && block[i] !== 0x20 && block[i] !== 0; i++) {
    const digit = block[i]! - 0x30;
    if (digit < 0 || digit > 7) {
      const found = JSON.stringify(decodeBinary(block.subarray(at, end)));
      throw badHeader(`${what} of a tar header: expected octal digits, found ${found}`, offset);
    }
    value = value * 8 + digit;
  }
  return value;
}

function readUnsigned(block: Uint8Array, at: number, length: number, what: string, offset: number): number {
  const value = readNumber(block, at, length, what, offset);
  if (value < 0)
    throw badHeader(`${what} of a tar header: expected no negative number, found ${value}`, offset);
  return value;
}

/** The sum that some old tars wrote: of the bytes as signed numbers, those of the checksum field taken as spaces. */
function sumSigned(block: Uint8Array): number {
  let high = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) if (i < 148 || i >= 156) high += block[i]! >> 7;
  return sumTarBlock(block) - 256 * high;
}

function hasText(block: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (block[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function readFormat(block: Uint8Array): HeaderBlock["format"] {
  if (hasText(block, 257, "ustar  \0")) return "gnu";
  if (!hasText(block, 257, "ustar\0")) return "v7";
  return hasText(block, 508, "tar\0") ? "star" : "ustar";
}

/**
 * Read one header block and prove its checksum.
 *
 * @param offset - where the block lies in its archive, for errors.
 * @throws {@link ImageError} `BAD_TAR_HEADER` when the checksum is wrong or a field is no number.
 */
export function parseHeaderBlock(block: Uint8Array, offset: number): HeaderBlock {
  const expected = readNumber(block, 148, 8, "checksum", offset);
  const sum = sumTarBlock(block);
  if (expected !== sum && expected !== sumSigned(block)) {
    throw badHeader(
      `expected a tar header with checksum ${sum}, found ${expected}: the archive is damaged, ` +
        "or it is no tar (or still compressed)",
      offset,
    );
  }
  const format = readFormat(block);
  const typeflag = String.fromCharCode(block[156]!);
  const name = readText(block, 0, 100);
  // GNU headers use the place of the prefix for other things, star ends it earlier.
  const prefix =
    format === "ustar" ? readText(block, 345, 155) : format === "star" ? readText(block, 345, 131) : "";
  const isDevice = typeflag === "3" || typeflag === "4";
  return {
    format,
    typeflag,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: readText(block, 157, 100),
    // Some old tars store the whole st_mode.
    mode: readUnsigned(block, 100, 8, "mode", offset) % 0o10000,
    uid: readUnsigned(block, 108, 8, "uid", offset),
    gid: readUnsigned(block, 116, 8, "gid", offset),
    sizeBytes: readUnsigned(block, 124, 12, "size", offset),
    mtimeSeconds: readNumber(block, 136, 12, "mtime", offset),
    deviceMajor: isDevice ? readUnsigned(block, 329, 8, "device major", offset) : 0,
    deviceMinor: isDevice ? readUnsigned(block, 337, 8, "device minor", offset) : 0,
  };
}

/** What {@link putHeaderBlock} writes: values that a ustar header holds. */
export interface UstarFields {
  typeflag: string;
  /** At most 100 bytes. */
  name: string;
  /** At most 155 bytes. */
  prefix: string;
  /** At most 100 bytes. */
  linkName: string;
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  mtimeSeconds: number;
  deviceMajor: number;
  deviceMinor: number;
}

function putOctal(out: Uint8Array, at: number, digits: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value >= 8 ** digits) {
    throw new RangeError(`ustar field: expected 0 … 8^${digits} − 1, got ${value}`);
  }
  let rest = value;
  for (let i = digits - 1; i >= 0; i--) {
    const high = Math.floor(rest / 8);
    out[at + i] = 0x30 + rest - 8 * high;
    rest = high;
  }
}

function putText(out: Uint8Array, at: number, length: number, text: string): void {
  if (text.length > length)
    throw new RangeError(`ustar field: expected at most ${length} bytes, got ${text.length}`);
  putBinary(out, at, text);
}

/**
 * Write a POSIX ustar header block at `at`; `out` must be zero there. User and group names stay empty.
 *
 * @throws RangeError when a value does not fit in its field.
 */
export function putHeaderBlock(out: Uint8Array, at: number, fields: UstarFields): void {
  putText(out, at, 100, fields.name);
  putOctal(out, at + 100, 7, fields.mode);
  putOctal(out, at + 108, 7, fields.uid);
  putOctal(out, at + 116, 7, fields.gid);
  putOctal(out, at + 124, 11, fields.sizeBytes);
  putOctal(out, at + 136, 11, fields.mtimeSeconds);
  putText(out, at + 156, 1, fields.typeflag);
  putText(out, at + 157, 100, fields.linkName);
  putText(out, at + 257, 8, "ustar\x0000");
  putOctal(out, at + 329, 7, fields.deviceMajor);
  putOctal(out, at + 337, 7, fields.deviceMinor);
  putText(out, at + 345, 155, fields.prefix);
  putOctal(out, at + 148, 6, sumTarBlock(out.subarray(at, at + BLOCK_BYTES)));
  out[at + 154] = 0;
  out[at + 155] = 0x20;
}
