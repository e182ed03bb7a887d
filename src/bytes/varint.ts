/**
 * Variable-length integers to 2^53 − 1, seven bits a byte, least significant first (LEB128).
 *
 * A signed integer spends bit 6 of its first byte on the sign, so that it too reaches ±(2^53 − 1). Arithmetic is by
 * division, not by 32-bit operators. Only the shortest form is valid, so equal numbers have equal bytes.
 */

/** The most bytes that one integer takes. */
export const MAX_VARINT_BYTES = 8;

/** How many bytes {@link putVarint} takes for `value`. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/**
 * Write `value` at `offset` and return the offset behind it.
 *
 * @throws RangeError when `value` is no integer from 0 to 2^53 − 1.
 */
export function putVarint(out: Uint8Array, offset: number, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`varint: expected 0 … 2^53 − 1, got ${value}`);
  let rest = value;
  let at = offset;
  while (rest >= 0x80) {
    const high = Math.floor(rest / 0x80);
    out[at++] = 0x80 | (rest - high * 0x80);
    rest = high;
  }
  out[at++] = rest;
  return at;
}

/**
 * Write the signed `value` at `offset` and return the offset behind it.
 *
 * @throws RangeError when `value` is no integer from −(2^53 − 1) to 2^53 − 1, or is −0.
 */
export function putSignedVarint(out: Uint8Array, offset: number, value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`signed varint: expected ±(2^53 − 1), got ${value}`);
  const sign = value < 0 ? 0x40 : 0;
  const magnitude = Math.abs(value);
  if (magnitude < 0x40) {
    out[offset] = sign | magnitude;
    return offset + 1;
  }
  const high = Math.floor(magnitude / 0x40);
  out[offset] = 0x80 | sign | (magnitude - high * 0x40);
  return putVarint(out, offset + 1, high);
}
