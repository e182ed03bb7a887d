const MODULUS = 65_521;

// The most bytes after which neither sum is over 2^32: what zlib found.
const STRETCH_BYTES = 5552;

/** Adler-32 of the bytes (RFC 1950, section 8.2). */
export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + STRETCH_BYTES);
    for (; at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return b * 0x10000 + a;
}
