import { ErrorCode, UnsupportedError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { getZlib, type Zlib, zlibDecoder, zlibEncoder } from "./zlib-segments.ts";

// Output pieces; the default of 16 KiB costs a turn of the event loop each.
const CHUNK_BYTES = 1 << 18;

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

/** Brotli (RFC 7932) by node:zlib. */
export const brotliCodec: Codec = {
  name: "brotli",
  id: 2,
  needsBasis: false,
  isBlocking: false,
  isAvailable: () => getZlib() !== undefined,
  // The ring buffer, twice while it grows, and the tables of a metablock.
  decoderMemoryBytes: (windowBits) => 2 * 2 ** windowBits + (1 << 20),
  createEncoder: ({ effort, windowBits }) => {
    const zlib = requireZlib();
    const transform = zlib.createBrotliCompress({
      chunkSize: CHUNK_BYTES,
      params: {
        [zlib.constants.BROTLI_PARAM_QUALITY!]: effort >= 9 ? 11 : effort,
        [zlib.constants.BROTLI_PARAM_LGWIN!]: windowBits,
      },
    });
    return zlibEncoder(transform, zlib.constants.BROTLI_OPERATION_FLUSH!);
  },
  createDecoder: () =>
    zlibDecoder(requireZlib().createBrotliDecompress({ chunkSize: CHUNK_BYTES }), "brotli"),
};
