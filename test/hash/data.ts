import fc from "fast-check";

/** Bytes that look random and are always the same (xorshift32). */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Byte arrays in which matches and runs are common: few letters, or real noise. */
export function byteArrays(maxLength: number): fc.Arbitrary<Uint8Array> {
  const few = fc.uint8Array({ maxLength, max: 2 });
  return fc.oneof(few, fc.uint8Array({ maxLength }));
}

/** The same bytes at an odd address, so that alignment is never assumed. */
export function misaligned(bytes: Uint8Array, by: number): Uint8Array {
  const room = new Uint8Array(bytes.length + by);
  room.set(bytes, by);
  return room.subarray(by);
}
