/**
 * Bytes of which many are zeros, such as tar headers, in less memory: tokens of two bytes, how many zeros come first and how many
 * other bytes, and then the latter.
 */

const MAX_RUN = 255;
// A shorter run of zeros costs more as a token than as it stands.
const MIN_ZEROS = 3;

/** Bytes that {@link packZeroRuns} needs at most. */
export function packedBound(length: number): number {
  return length + 2 * Math.ceil(length / MAX_RUN) + 2;
}

function countZeros(bytes: Uint8Array, from: number): number {
  let end = from;
  while (end < bytes.length && bytes[end] === 0) end++;
  return end - from;
}

/** Pack bytes into `out` at an offset, with {@link packedBound} of room. Returns the packed length. */
export function packZeroRuns(bytes: Uint8Array, out: Uint8Array, offset: number): number {
  let to = offset;
  for (let at = 0; at < bytes.length; ) {
    const zeros = Math.min(MAX_RUN, countZeros(bytes, at));
    at += zeros;
    let end = at;
    while (end < bytes.length && end - at < MAX_RUN) {
      if (bytes[end] !== 0) end++;
      else {
        const run = countZeros(bytes, end);
        if (run >= MIN_ZEROS) break;
        end = Math.min(end + run, at + MAX_RUN);
      }
    }
    out[to] = zeros;
    out[to + 1] = end - at;
    out.set(bytes.subarray(at, end), to + 2);
    to += 2 + end - at;
    at = end;
  }
  return to - offset;
}

/**
 * Fill `into` with what was packed, from its byte `skipped` on.
 *
 * @param packed - holds what was packed at `offset`, and at least as many bytes were packed as are asked for.
 */
export function unpackZeroRuns(packed: Uint8Array, offset: number, skipped: number, into: Uint8Array): void {
  // Where in `into` the token begins: before it, as long as bytes are skipped.
  let to = -skipped;
  for (let at = offset; to < into.length; ) {
    const zeros = packed[at]!;
    const others = packed[at + 1]!;
    at += 2;
    into.fill(0, Math.max(0, to), Math.max(0, to + zeros));
    to += zeros;
    const first = Math.max(0, -to);
    const last = Math.min(others, into.length - to);
    if (last > first) into.set(packed.subarray(at + first, at + last), to + first);
    to += others;
    at += others;
  }
}
