import {
  ErrorCode,
  FormatError,
  ImageError,
  isFlatdeltaError,
  LimitError,
  UnsupportedError,
} from "../errors.ts";
import { type ByteStream, StreamReader } from "../io/index.ts";

/** The largest window that a zstd frame may ask for: what `zstd` itself accepts without a switch. */
export const MAX_ZSTD_WINDOW_BYTES = 2 ** 27;

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50; // 16 values from here
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/** A piece of a zstd frame: its header, one whole block, or the checksum that ends it. */
export interface ZstdPart {
  kind: "header" | "block" | "end";
  /** The bytes as they stand in the file; empty at the end of a frame without a checksum. */
  bytes: Uint8Array;
}

function littleEndian(bytes: Uint8Array, from: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[from + i]!;
  return value;
}

/**
 * Split zstd data (RFC 8878, section 3) into its frames and blocks without decompressing; skippable frames are dropped.
 *
 * Decoders differ in what they do at a frame's end: node:zlib of Node 22 stops after the first frame and says nothing,
 * not even of a truncated one, and neither it nor fzstd guards the window. So frames are found here and decoders see
 * one frame at a time.
 *
 * @throws {@link ImageError} `BAD_COMPRESSION` for malformed or truncated data, {@link LimitError} `MEMORY_LIMIT` for
 * windows over {@link MAX_ZSTD_WINDOW_BYTES}, {@link UnsupportedError} `UNSUPPORTED_FEATURE` for dictionaries.
 */
export async function* splitZstdFrames(pieces: ByteStream): AsyncGenerator<ZstdPart, void, undefined> {
  const reader = new StreamReader(pieces, "zstd data");
  try {
    while (!(await reader.ended())) {
      const start = await reader.read(4);
      const magic = littleEndian(start, 0, 4);
      if (magic >= SKIPPABLE_MAGIC && magic < SKIPPABLE_MAGIC + 16) {
        await skip(reader, littleEndian(await reader.read(4), 0, 4));
      } else if (magic === FRAME_MAGIC) {
        yield* splitFrame(reader, start);
      } else {
        throw badFrame(`expected the start of a frame, found 0x${magic.toString(16)}`, reader.position - 4);
      }
    }
  } catch (error) {
    if (isFlatdeltaError(error) && error.code === ErrorCode.TRUNCATED && error instanceof FormatError) {
      throw new ImageError(ErrorCode.BAD_COMPRESSION, error.message, { cause: error });
    }
    throw error;
  } finally {
    await reader.close();
  }
}

function badFrame(message: string, offset: number): ImageError {
  return new ImageError(ErrorCode.BAD_COMPRESSION, `zstd data: ${message}`, { offset });
}

async function skip(reader: StreamReader, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= Math.min(left, 1 << 16))
    await reader.read(Math.min(left, 1 << 16));
}

async function* splitFrame(
  reader: StreamReader,
  start: Uint8Array,
): AsyncGenerator<ZstdPart, void, undefined> {
  const descriptor = (await reader.read(1))[0]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  if ((descriptor & 0x08) !== 0) throw badFrame("a reserved bit of a frame is set", reader.position - 1);
  const rest = await reader.read((singleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes);
  const dictionaryAt = singleSegment ? 0 : 1;
  if (littleEndian(rest, dictionaryAt, dictionaryBytes) !== 0) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "zstd data needs a dictionary; images have none",
    );
  }
  const windowBytes = singleSegment
    ? littleEndian(rest, dictionaryAt + dictionaryBytes, contentSizeBytes) +
      (contentSizeBytes === 2 ? 256 : 0)
    : 2 ** (10 + (rest[0]! >>> 3)) * (1 + (rest[0]! & 7) / 8);
  if (windowBytes > MAX_ZSTD_WINDOW_BYTES) {
    throw new LimitError(
      ErrorCode.MEMORY_LIMIT,
      `zstd data needs a window of ${windowBytes} bytes, at most ${MAX_ZSTD_WINDOW_BYTES} are allowed; compress it without --long or --ultra`,
      { offset: reader.position },
    );
  }
  const header = new Uint8Array(5 + rest.length);
  header.set(start);
  header[4] = descriptor;
  header.set(rest, 5);
  yield { kind: "header", bytes: header };
  for (let last = false; !last; ) {
    const block = await readBlock(reader, Math.min(windowBytes, MAX_BLOCK_BYTES));
    last = (block[0]! & 1) !== 0;
    yield { kind: "block", bytes: block };
  }
  yield { kind: "end", bytes: await reader.read((descriptor & 0x04) !== 0 ? 4 : 0) };
}

async function readBlock(reader: StreamReader, maxBytes: number): Promise<Uint8Array> {
  const header = await reader.read(3);
  const fields = littleEndian(header, 0, 3);
  const type = (fields >>> 1) & 3;
  const size = fields >>> 3;
  if (type === BLOCK_RESERVED) throw badFrame("a block has the reserved type", reader.position - 3);
  if (size > maxBytes) {
    throw badFrame(`expected a block of at most ${maxBytes} bytes, found ${size}`, reader.position - 3);
  }
  const content = await reader.read(type === BLOCK_RLE ? 1 : size);
  const block = new Uint8Array(3 + content.length);
  block.set(header);
  block.set(content, 3);
  return block;
}
