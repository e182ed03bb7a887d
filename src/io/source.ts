import { concatBytes } from "../bytes/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";

/**
 * Bytes that can be read at any offset: a basis, a target, an archive.
 *
 * A source says its size once and keeps it. `read` may be called again before an earlier call has finished.
 */
export interface Source {
  /** Size in bytes, to 2^53 − 1. */
  readonly size: number;
  /**
   * Fill all of `into` with the bytes from `offset`.
   *
   * @throws RangeError when the range is not inside the source.
   * @throws {@link FormatError} `TRUNCATED` when the source turns out to be shorter than its size.
   */
  read(offset: number, into: Uint8Array): Promise<void>;
  /**
   * The same at once, holding up the calling thread: for short reads, of which an asynchronous one costs more than what it
   * reads. Absent where the bytes are not at hand.
   */
  readSync?(offset: number, into: Uint8Array): void;
  /** Of a file that the process holds open: its descriptor, from which all threads can read. */
  readonly descriptor?: number;
  /** Release what the source holds open. Reading afterwards fails. */
  close?(): Promise<void>;
}

/** Check that `length` bytes from `offset` lie inside `size` bytes. */
export function checkRange(size: number, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) ||
    offset < 0 ||
    !Number.isSafeInteger(length) ||
    length < 0 ||
    offset > size - length
  ) {
    throw new RangeError(`expected a range inside 0 … ${size}, got offset ${offset}, length ${length}`);
  }
}

/** A source over bytes in memory. The bytes are not copied. */
export function memorySource(bytes: Uint8Array): Source {
  const readSync = (offset: number, into: Uint8Array): void => {
    checkRange(bytes.length, offset, into.length);
    into.set(bytes.subarray(offset, offset + into.length));
  };
  return { size: bytes.length, readSync, read: async (offset, into) => readSync(offset, into) };
}

/** The `length` bytes of `source` from `offset`, as a source. Closing it does not close `source`. */
export function subSource(source: Source, offset: number, length: number): Source {
  checkRange(source.size, offset, length);
  return {
    size: length,
    read: async (at, into) => {
      checkRange(length, at, into.length);
      await source.read(offset + at, into);
    },
    ...(source.readSync !== undefined && {
      readSync: (at: number, into: Uint8Array) => {
        checkRange(length, at, into.length);
        source.readSync!(offset + at, into);
      },
    }),
  };
}

/** `length` bytes of zero, as a source: the hole of a sparse file. */
export function zeroSource(length: number): Source {
  const readSync = (offset: number, into: Uint8Array): void => {
    checkRange(length, offset, into.length);
    into.fill(0);
  };
  return { size: length, readSync, read: async (offset, into) => readSync(offset, into) };
}

/** Sources one after another, as one source. Closing it closes none of them. */
export function concatSources(parts: readonly Source[]): Source {
  const kept = parts.filter((part) => part.size > 0);
  const starts = new Float64Array(kept.length + 1);
  for (let i = 0; i < kept.length; i++) starts[i + 1] = starts[i]! + kept[i]!.size;
  const size = starts[kept.length]!;
  /** The parts that a range lies in, and which of its bytes are theirs. */
  function* pieces(
    offset: number,
    into: Uint8Array,
  ): Generator<[part: Source, at: number, into: Uint8Array]> {
    checkRange(size, offset, into.length);
    let low = 0;
    for (let high = kept.length; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    for (let done = 0, i = low; done < into.length; i++) {
      const at = offset + done - starts[i]!;
      const length = Math.min(into.length - done, kept[i]!.size - at);
      yield [kept[i]!, at, into.subarray(done, done + length)];
      done += length;
    }
  }
  return {
    size,
    read: async (offset, into) => {
      for (const [part, at, piece] of pieces(offset, into)) await part.read(at, piece);
    },
    ...(kept.every((part) => part.readSync !== undefined) && {
      readSync: (offset: number, into: Uint8Array) => {
        for (const [part, at, piece] of pieces(offset, into)) part.readSync!(at, piece);
      },
    }),
  };
}

/** A source over a `Blob` or `File` of the web platform. */
export function blobSource(blob: Blob): Source {
  return {
    size: blob.size,
    read: async (offset, into) => {
      checkRange(blob.size, offset, into.length);
      const bytes = new Uint8Array(await blob.slice(offset, offset + into.length).arrayBuffer());
      if (bytes.length !== into.length) {
        throw new FormatError(
          ErrorCode.TRUNCATED,
          `expected ${into.length} bytes, the blob gave ${bytes.length}`,
          { offset },
        );
      }
      into.set(bytes);
    },
  };
}

/** A part of a source. */
export interface SourceRange {
  offset: number;
  length: number;
}

/** The bytes of several ranges one after another, in a new array; each is bounded as in {@link readRange}. */
export async function readRanges(source: Source, ranges: Iterable<SourceRange>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { offset, length } of ranges) parts.push(await readRange(source, offset, length));
  return concatBytes(parts);
}

/**
 * The bytes of a range, in a new array.
 *
 * @param limitBytes - guards against allocating from a length that came out of a file: 256 MiB by default.
 */
export async function readRange(
  source: Source,
  offset: number,
  length: number,
  limitBytes = 2 ** 28,
): Promise<Uint8Array> {
  checkRange(source.size, offset, length);
  if (length > limitBytes)
    throw new RangeError(`expected at most ${limitBytes} bytes in one piece, got ${length}`);
  const bytes = new Uint8Array(length);
  await source.read(offset, bytes);
  return bytes;
}
