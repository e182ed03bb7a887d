// Codecs deal well with short runs, and cutting them out costs them context: only runs that would fill a segment for
// nothing (holes of sparse files, unused space of disk images) become ops of their own.
export const MIN_RUN_BYTES = 1 << 14;

/** Bytes cut at the borders of long runs of one byte. */
export function* splitRuns(
  bytes: Uint8Array,
): Generator<{ piece: Uint8Array; isRun: boolean }, void, undefined> {
  let from = 0;
  // A run of MIN_RUN_BYTES covers a whole step of half that, so a look at one byte in each step finds it.
  const step = MIN_RUN_BYTES >> 1;
  for (let probe = step; probe < bytes.length; ) {
    const byte = bytes[probe]!;
    let start = probe;
    while (start > from && bytes[start - 1] === byte) start--;
    let end = probe + 1;
    while (end < bytes.length && bytes[end] === byte) end++;
    if (end - start >= MIN_RUN_BYTES) {
      if (start > from) yield { piece: bytes.subarray(from, start), isRun: false };
      yield { piece: bytes.subarray(start, end), isRun: true };
      from = end;
    }
    probe = Math.max(probe, end - 1) + step;
  }
  if (from < bytes.length) yield { piece: bytes.subarray(from), isRun: false };
}
