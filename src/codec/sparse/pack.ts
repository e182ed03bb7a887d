import { ByteReader, ByteWriter, EMPTY_BYTES, putVarint } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";

const CONTEXT = { what: "a sparse segment" };

// A shorter gap costs more as two numbers than as a byte of the run around it.
const MIN_GAP_BYTES = 2;

/** The most bytes that a segment of `rawBytes` packs into: runs of one byte between gaps of one take three for every two. */
export function maxPackedBytes(rawBytes: number): number {
  return 2 * rawBytes + 16;
}

const NO_WORDS = new Int32Array(0);

/** Finds what is not zero, four bytes at a time: nine bytes of ten are. */
class NonZeroFinder {
  readonly #raw: Uint8Array;
  readonly #words: Int32Array;
  /** Where the first whole word begins. */
  readonly #wordsAt: number;

  constructor(raw: Uint8Array) {
    this.#raw = raw;
    this.#wordsAt = -raw.byteOffset & 3;
    const count = (raw.length - this.#wordsAt) >> 2;
    this.#words = count > 0 ? new Int32Array(raw.buffer, raw.byteOffset + this.#wordsAt, count) : NO_WORDS;
  }

  /** Place of the first byte from `from` on that is not zero; the number of bytes where there is none. */
  next(from: number): number {
    const raw = this.#raw;
    const words = this.#words;
    let at = from;
    for (; at < raw.length && ((at - this.#wordsAt) & 3) !== 0; at++) if (raw[at] !== 0) return at;
    for (let word = (at - this.#wordsAt) >> 2; word < words.length && words[word] === 0; word++) at += 4;
    while (at < raw.length && raw[at] === 0) at++;
    return at;
  }
}

/** Where the run that begins at `start` ends: behind it are zeros enough for a gap, or nothing. */
function findRunEnd(raw: Uint8Array, start: number): number {
  let end = start + 1;
  for (let at = end; at < raw.length && at - end < MIN_GAP_BYTES; at++) if (raw[at] !== 0) end = at + 1;
  return end;
}

/** As {@link putVarint}, which checks what need not be checked here. */
function putNumber(out: Uint8Array, at: number, value: number): number {
  if (value >= 0x80) return putVarint(out, at, value);
  out[at] = value;
  return at + 1;
}

/** Packs bytes most of which are zeros: the lengths of the gaps, the lengths of the runs between them, and the runs. */
export class SparsePacker {
  // Memory for the parts of a segment is used again: pages that nobody touched before take longer than filling them.
  #gaps: Uint8Array = EMPTY_BYTES;
  #lengths: Uint8Array = EMPTY_BYTES;
  #runs: Uint8Array = EMPTY_BYTES;
  #packed: Uint8Array = EMPTY_BYTES;

  #reserve(rawBytes: number): void {
    if (this.#gaps.length > rawBytes) return;
    // A gap's number takes no more bytes than the gap and the byte behind it, a run's no more than the run.
    this.#gaps = new Uint8Array(rawBytes + 1);
    this.#lengths = new Uint8Array(rawBytes);
    this.#runs = new Uint8Array(rawBytes);
    this.#packed = new Uint8Array(maxPackedBytes(rawBytes));
  }

  /** Pack the bytes of a segment; what it returns is valid until the next call. */
  pack(raw: Uint8Array): Uint8Array {
    this.#reserve(raw.length);
    const gaps = this.#gaps;
    const lengths = this.#lengths;
    const runs = this.#runs;
    const finder = new NonZeroFinder(raw);
    let gapBytes = 0;
    let lengthBytes = 0;
    let runBytes = 0;
    let gapStart = 0;
    for (let at = finder.next(0); at < raw.length; at = finder.next(gapStart)) {
      const end = findRunEnd(raw, at);
      gapBytes = putNumber(gaps, gapBytes, at - gapStart);
      lengthBytes = putNumber(lengths, lengthBytes, end - at);
      while (at < end) runs[runBytes++] = raw[at++]!;
      gapStart = end;
    }
    gapBytes = putNumber(gaps, gapBytes, raw.length - gapStart);
    const head = new ByteWriter();
    head.varint(gapBytes);
    head.varint(lengthBytes);
    let packedBytes = 0;
    for (const part of [
      head.view(),
      gaps.subarray(0, gapBytes),
      lengths.subarray(0, lengthBytes),
      runs.subarray(0, runBytes),
    ]) {
      this.#packed.set(part, packedBytes);
      packedBytes += part.length;
    }
    return this.#packed.subarray(0, packedBytes);
  }
}

function damaged(expected: string, found: string): FormatError {
  return new FormatError(ErrorCode.CORRUPT_BODY, `${CONTEXT.what}: expected ${expected}, found ${found}`);
}

/**
 * Undo {@link SparsePacker.pack}.
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
