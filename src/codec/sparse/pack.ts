import { ByteReader, ByteWriter } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";

const CONTEXT = { what: "a sparse segment" };

// A shorter gap costs more as two numbers than as a byte of the run around it.
const MIN_GAP_BYTES = 2;

/** The most bytes that a segment of `rawBytes` packs into: runs of one byte between gaps of one take three for every two. */
export function maxPackedBytes(rawBytes: number): number {
  return 2 * rawBytes + 16;
}

/** Where the run that begins at `start` ends: behind it are zeros enough for a gap, or nothing. */
function findRunEnd(raw: Uint8Array, start: number): number {
  let end = start + 1;
  for (let at = end; at < raw.length && at - end < MIN_GAP_BYTES; at++) if (raw[at] !== 0) end = at + 1;
  return end;
}

/**
 * Pack bytes most of which are zeros: the lengths of the gaps, the lengths of the runs between them, and the runs. In plain TypeScript, as
 * the oracle of what WASM does.
 */
export function packSparse(raw: Uint8Array): Uint8Array {
  const gaps = new ByteWriter();
  const lengths = new ByteWriter();
  const runs = new ByteWriter();
  let gapStart = 0;
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] === 0) continue;
    const end = findRunEnd(raw, at);
    gaps.varint(at - gapStart);
    lengths.varint(end - at);
    runs.bytes(raw.subarray(at, end));
    gapStart = end;
    at = end;
  }
  gaps.varint(raw.length - gapStart);
  const packed = new ByteWriter();
  packed.varint(gaps.length);
  packed.varint(lengths.length);
  for (const part of [gaps, lengths, runs]) packed.bytes(part.view());
  return packed.view();
}

function damaged(expected: string, found: string): FormatError {
  return new FormatError(ErrorCode.CORRUPT_BODY, `${CONTEXT.what}: expected ${expected}, found ${found}`);
}

/**
 * Undo {@link packSparse}.
 *
 * @param into - filled.
 * @throws {@link FormatError} `CORRUPT_BODY` when they do not fill `into`, or are not what a writer may write.
 */
export function unpackSparse(packed: Uint8Array, into: Uint8Array): void {
  const head = new ByteReader(packed, CONTEXT);
  const [gapBytes, lengthBytes] = [head.varint(), head.varint()];
  const gaps = new ByteReader(head.bytes(gapBytes), CONTEXT);
  const lengths = new ByteReader(head.bytes(lengthBytes), CONTEXT);
  const runs = head.bytes(head.remaining);
  into.fill(0);
  let run = 0;
  let at = gaps.varint();
  while (lengths.remaining > 0) {
    const length = lengths.varint();
    const end = at + length;
    if (length === 0 || end > into.length || length > runs.length - run)
      throw damaged(`a run of 1 to ${Math.min(into.length - at, runs.length - run)} bytes`, String(length));
    while (at < end) into[at++] = runs[run++]!;
    const gap = gaps.varint();
    if (gap === 0 && lengths.remaining > 0) throw damaged("zeros between runs", "none");
    at += gap;
  }
  if (at !== into.length) throw damaged(`${into.length} bytes`, String(at));
  if (gaps.remaining > 0 || run !== runs.length) throw damaged("its end", "more bytes");
}
