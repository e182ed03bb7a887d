import { ErrorCode, FormatError } from "../../errors.ts";
import { memorySource, type Source, StreamReader, scanSource } from "../../io/index.ts";
import { decompressBzip2 } from "./bzip2.ts";
import { BSDIFF40_MAGIC, ENDSLEY_MAGIC, INTEGER_BYTES, readBsdiffInteger } from "./format.ts";

/** What a bsdiff file says of itself. */
export interface BsdiffInfo {
  format: typeof BSDIFF40_MAGIC | typeof ENDSLEY_MAGIC;
  deltaBytes: number;
  targetBytes: number;
  /** Bytes of the compressed streams; those of ENDSLEY/BSDIFF43 are one. */
  streams: { control: number; diff: number; extra: number } | { all: number };
}

/** The three streams of a bsdiff file, decompressed. */
export interface BsdiffStreams {
  readonly control: StreamReader;
  readonly diff: StreamReader;
  readonly extra: StreamReader;
}

/** Half of what other streams are read in: there are three. */
const CHUNK_BYTES = 1 << 15;

const HEADER_BYTES = BSDIFF40_MAGIC.length + 3 * INTEGER_BYTES;
const ENDSLEY_HEADER_BYTES = ENDSLEY_MAGIC.length + INTEGER_BYTES;

/** A bsdiff file with its header read. */
export interface OpenBsdiff {
  readonly info: BsdiffInfo;
  /** Begin to decompress. Streams that are one are the same reader. */
  openStreams(signal?: AbortSignal): BsdiffStreams;
}

function readLength(head: Uint8Array, at: number, what: string): number {
  const length = readBsdiffInteger(head, at, ErrorCode.CORRUPT_HEADER);
  if (length >= 0 && !Object.is(length, -0)) return length;
  throw new FormatError(ErrorCode.CORRUPT_HEADER, `bsdiff: expected a size of ${what}, found ${length}`, {
    offset: at,
  });
}

/**
 * Read the header of a bsdiff file.
 *
 * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_HEADER`.
 */
export async function openBsdiff(delta: Source | Uint8Array): Promise<OpenBsdiff> {
  const source = delta instanceof Uint8Array ? memorySource(delta) : delta;
  const head = new Uint8Array(Math.min(HEADER_BYTES, source.size));
  await source.read(0, head);
  const text = String.fromCharCode(...head);
  const isEndsley = text.startsWith(ENDSLEY_MAGIC);
  if (!isEndsley && !text.startsWith(BSDIFF40_MAGIC))
    throw new FormatError(ErrorCode.BAD_MAGIC, "expected a bsdiff file, found another kind of file");
  const headerBytes = isEndsley ? ENDSLEY_HEADER_BYTES : HEADER_BYTES;
  if (source.size < headerBytes) {
    throw new FormatError(
      ErrorCode.TRUNCATED,
      `expected a bsdiff header of ${headerBytes} bytes, found ${source.size}`,
    );
  }
  return isEndsley ? openEndsley(source, head) : openBsdiff40(source, head);
}

function openStream(
  source: Source,
  offset: number,
  length: number,
  name: string,
  signal?: AbortSignal,
): StreamReader {
  const pieces = scanSource(source, { offset, length, chunkBytes: CHUNK_BYTES, signal });
  return new StreamReader(decompressBzip2(pieces, name), `bsdiff ${name}`);
}

function openBsdiff40(source: Source, head: Uint8Array): OpenBsdiff {
  const control = readLength(head, 8, "the control stream");
  const diff = readLength(head, 16, "the diff stream");
  const targetBytes = readLength(head, 24, "the target");
  const diffOffset = HEADER_BYTES + control;
  const extraOffset = diffOffset + diff;
  const extra = source.size - extraOffset;
  if (extra < 0) {
    throw new FormatError(
      ErrorCode.TRUNCATED,
      `bsdiff: expected ${extraOffset} bytes and more, found ${source.size}`,
    );
  }
  return {
    info: {
      format: BSDIFF40_MAGIC,
      deltaBytes: source.size,
      targetBytes,
      streams: { control, diff, extra },
    },
    openStreams: (signal) => ({
      control: openStream(source, HEADER_BYTES, control, "control stream", signal),
      diff: openStream(source, diffOffset, diff, "diff stream", signal),
      extra: openStream(source, extraOffset, extra, "extra stream", signal),
    }),
  };
}

function openEndsley(source: Source, head: Uint8Array): OpenBsdiff {
  const all = source.size - ENDSLEY_HEADER_BYTES;
  return {
    info: {
      format: ENDSLEY_MAGIC,
      deltaBytes: source.size,
      targetBytes: readLength(head, ENDSLEY_MAGIC.length, "the target"),
      streams: { all },
    },
    openStreams: (signal) => {
      const reader = openStream(source, ENDSLEY_HEADER_BYTES, all, "stream", signal);
      return { control: reader, diff: reader, extra: reader };
    },
  };
}

/**
 * Read the header of a bsdiff file. What is behind it only applying can tell.
 *
 * @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`, `CORRUPT_HEADER`.
 */
export async function inspectBsdiff(delta: Source | Uint8Array): Promise<BsdiffInfo> {
  return (await openBsdiff(delta)).info;
}
