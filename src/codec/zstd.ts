import { ErrorCode, UnsupportedError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { getZlib, type Zlib, zlibDecoder, zlibEncoder } from "./zlib-segments.ts";

const CHUNK_BYTES = 1 << 18;

// Largest window that a decoder accepts, whatever a damaged or hostile frame asks for.
const MAX_WINDOW_BITS = 24;

type ZstdZlib = Zlib & Required<Pick<Zlib, "createZstdCompress" | "createZstdDecompress">>;

function requireZstd(): ZstdZlib {
  const zlib = getZlib();
  if (zlib?.createZstdCompress === undefined) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_CODEC,
      "codec zstd needs Node 22.15 or 23.8 and later; use codec brotli for older ones",
    );
  }
  return zlib as ZstdZlib;
}

// Levels 1 to 9 of effort on zstd's own 1 to 19.
const LEVELS = [1, 1, 3, 5, 7, 9, 12, 15, 17, 19] as const;

/** Zstandard (RFC 8878) by node:zlib, where the runtime has it. */
export const zstdCodec: Codec = {
  name: "zstd",
  id: 3,
  needsBasis: false,
  isBlocking: false,
  isAvailable: () => getZlib()?.createZstdCompress !== undefined,
  decoderMemoryBytes: (windowBits) => 2 ** windowBits + (1 << 20),
  createEncoder: ({ effort, windowBits }) => {
    const zlib = requireZstd();
    const transform = zlib.createZstdCompress({
      chunkSize: CHUNK_BYTES,
      params: {
        [zlib.constants.ZSTD_c_compressionLevel!]: LEVELS[Math.min(9, Math.max(1, effort))]!,
        [zlib.constants.ZSTD_c_windowLog!]: windowBits,
      },
    });
    return zlibEncoder(transform, zlib.constants.ZSTD_e_flush!);
  },
  createDecoder: () => {
    const zlib = requireZstd();
    const transform = zlib.createZstdDecompress({
      chunkSize: CHUNK_BYTES,
      params: { [zlib.constants.ZSTD_d_windowLogMax!]: MAX_WINDOW_BITS },
    });
    return zlibDecoder(transform, "zstd");
  },
};
