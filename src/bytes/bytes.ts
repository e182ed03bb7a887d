/** Small helpers on `Uint8Array`. */

import { ErrorCode, FormatError } from "../errors.ts";

/** An empty byte array, for reuse. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** Whether two byte arrays hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The byte arrays one after another, in a new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

// Below this a loop is quicker than making two views, and makes no garbage.
const SHORT_COPY_BYTES = 64;

/** Copy `length` bytes; the ranges must be inside the arrays and must not overlap. */
export function copyBytes(
  from: Uint8Array,
  fromAt: number,
  to: Uint8Array,
  toAt: number,
  length: number,
): void {
  if (length < SHORT_COPY_BYTES) for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i]!;
  else to.set(from.subarray(fromAt, fromAt + length), toAt);
}

/** Lower-case hexadecimal digits of the bytes. */
export function toHex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += (byte < 16 ? "0" : "") + byte.toString(16);
  return out;
}

/**
 * Bytes of a string of hexadecimal digits.
 *
 * @throws {@link FormatError} `CORRUPT_HEADER` when it is not an even number of hexadecimal digits.
 */
export function fromHex(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || /[^0-9a-fA-F]/.test(hex)) {
    throw new FormatError(
      ErrorCode.CORRUPT_HEADER,
      `expected hexadecimal digits, found "${hex.slice(0, 80)}"`,
    );
  }
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

const encoder = new TextEncoder();

/** UTF-8 bytes of a string. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * The string that UTF-8 bytes stand for.
 *
 * @throws {@link FormatError} `CORRUPT_HEADER` when they are not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(ErrorCode.CORRUPT_HEADER, "expected UTF-8 text, found other bytes", { cause });
  }
}
