import type { BrotliOptions } from "node:zlib";
import { ErrorCode, FormatError, UnsupportedError } from "../errors.ts";
import type { Codec, EncoderSettings } from "./codec.ts";
import { getZlib, type Zlib, zlibDecoder, zlibEncoder } from "./zlib-segments.ts";

// Output pieces; the default of 16 KiB costs a turn of the event loop each.
const CHUNK_BYTES = 1 << 18;

// More than a segment of the usual size, so that none fills it: each piece costs a turn of the event loop and a call of a thread, and a full
// buffer makes way for a new one.
const DECODED_CHUNK_BYTES = (1 << 19) + 1;

function requireZlib(): Zlib {
  const zlib = getZlib();
  if (zlib === undefined) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_CODEC,
      "codec brotli needs node:zlib, which this runtime lacks",
    );
  }
  return zlib;
}

// The same where nothing waits for turns of the event loop.
const ALONE_CHUNK_BYTES = 1 << 16;

function paramsOf(zlib: Zlib, { effort, windowBits }: EncoderSettings): BrotliOptions["params"] {
  return {
    [zlib.constants.BROTLI_PARAM_QUALITY!]: effort >= 9 ? 11 : effort,
    [zlib.constants.BROTLI_PARAM_LGWIN!]: windowBits,
  };
}

function decodeAtOnce(coded: Uint8Array, into: Uint8Array): void {
  let raw: Uint8Array;
  try {
    // One byte more than expected shows that there is more.
    const limits = { chunkSize: ALONE_CHUNK_BYTES, maxOutputLength: into.length + 1 };
    raw = requireZlib().brotliDecompressSync(coded, limits);
  } catch (cause) {
    throw new FormatError(ErrorCode.CORRUPT_BODY, "a brotli segment is damaged", { cause });
  }
  if (raw.length !== into.length) {
    throw new FormatError(
      ErrorCode.CORRUPT_BODY,
      `expected a brotli segment of ${into.length} bytes, found ${raw.length}`,
    );
  }
  into.set(raw);
}

/** Brotli (RFC 7932) by node:zlib. */
export const brotliCodec: Codec = {
  name: "brotli",
  id: 2,
  needsBasis: false,
  isBlocking: false,
  isAvailable: () => getZlib() !== undefined,
  // The ring buffer, twice while it grows, and the tables of a metablock.
  decoderMemoryBytes: (windowBits) => 2 * 2 ** windowBits + (1 << 20),
  createEncoder: (settings) => {
    const zlib = requireZlib();
    const transform = zlib.createBrotliCompress({
      chunkSize: CHUNK_BYTES,
      params: paramsOf(zlib, settings),
    });
    return zlibEncoder(transform, zlib.constants.BROTLI_OPERATION_FLUSH!);
  },
  createDecoder: () =>
    zlibDecoder(requireZlib().createBrotliDecompress({ chunkSize: DECODED_CHUNK_BYTES }), "brotli"),
  alone: {
    encode: (raw, settings) => {
      const zlib = requireZlib();
      return zlib.brotliCompressSync(raw, { chunkSize: ALONE_CHUNK_BYTES, params: paramsOf(zlib, settings) });
    },
    decode: decodeAtOnce,
  },
};
