import type { Decompress } from "fzstd";
import { ErrorCode, errorMessageOf, ImageError, UnsupportedError } from "../errors.ts";
import { loadHash64 } from "../hash/index.ts";
import { getBuiltinModule } from "../io/builtin.ts";
import { type ByteStream, readRange, type ScratchSpace, type Source, scanSource } from "../io/index.ts";
import { ExpansionMeter, fillLimits } from "./limits.ts";
import { MAX_ZSTD_WINDOW_BYTES, splitZstdFrames } from "./zstd-frames.ts";

/** How bytes are compressed, as their content shows. */
export type Compression = "none" | "gzip" | "zstd";

const OUTPUT_CHUNK_BYTES = 1 << 20;
// At most 1,032 bytes come out of one byte of deflate data, all at once where the decoder is synchronous.
const PORTABLE_GZIP_INPUT_BYTES = 1 << 14;

/**
 * Tell by its first bytes how a source is compressed.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` for bzip2 and xz, which old versions of Docker could load.
 */
export async function detectCompression(source: Source): Promise<Compression> {
  const head = await readRange(source, 0, Math.min(6, source.size));
  const startsWith = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (startsWith(0x1f, 0x8b, 0x08)) return "gzip";
  if (startsWith(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  if (
    head.length >= 4 &&
    (head[0]! & 0xf0) === 0x50 &&
    head[1] === 0x2a &&
    head[2] === 0x4d &&
    head[3] === 0x18
  ) {
    return "zstd";
  }
  const other = startsWith(0x42, 0x5a, 0x68)
    ? "bzip2"
    : startsWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)
      ? "xz"
      : "";
  if (other !== "") {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      `${other} cannot be decompressed, only gzip and zstd; decompress the file first`,
    );
  }
  return "none";
}

/** Which decoders to use: those of the runtime where it has them, or the portable ones everywhere (for tests). */
export type Decoders = "native" | "portable";

/**
 * Decompress a stream, in pieces that are valid until the next one is asked for.
 *
 * gzip may have several members. With `node:zlib` their CRCs are checked; fflate, used where there is no `node:zlib`,
 * checks them not and may take data that ends early for whole: there the digest of the blob must prove the bytes. zstd
 * may have several frames and skippable ones, whose checksums are checked. `node:zlib` decodes it from Node 22.15 on,
 * before that and elsewhere fzstd does.
 *
 * @throws {@link ImageError} `BAD_COMPRESSION` when the data is corrupt or ends early.
 */
export async function* decompressStream(
  pieces: ByteStream,
  compression: Compression,
  decoders: Decoders = "native",
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === "none") return yield* pieces;
  const zlib = decoders === "native" ? (getBuiltinModule("node:zlib") as Zlib | undefined) : undefined;
  if (compression === "gzip") {
    yield* zlib === undefined
      ? gunzipPortable(pieces)
      : pumpThrough(zlib.createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES }), pieces, "gzip");
  } else {
    yield* zlib?.createZstdDecompress === undefined ? unzstdPortable(pieces) : unzstdNative(pieces, zlib);
  }
}

/** Options of {@link spoolDecompressed}. */
export interface SpoolOptions {
  scratch: ScratchSpace;
  signal?: AbortSignal | undefined;
  /** Held against what comes out; one with the default limits unless given. */
  meter?: ExpansionMeter | undefined;
  /** Names the data in errors. */
  path?: string | undefined;
  /** Sees every piece of the compressed bytes in order, to hash them on the way. */
  onCompressed?: (piece: Uint8Array) => void;
  decoders?: Decoders;
}

/** Decompressed bytes in scratch space. */
export interface Spooled {
  source: Source;
  /** Give the space back. */
  release(): Promise<void>;
}

/**
 * Decompress a whole source into scratch space, where it can be read at any offset.
 *
 * @throws {@link ImageError} `BAD_COMPRESSION`, {@link LimitError} `SIZE_LIMIT`.
 */
export async function spoolDecompressed(
  source: Source,
  compression: Compression,
  options: SpoolOptions,
): Promise<Spooled> {
  const { scratch, signal, meter = new ExpansionMeter(fillLimits()), path, onCompressed } = options;
  const file = await scratch();
  try {
    const pieces = watchPieces(scanSource(source, { signal }), (piece) => {
      meter.addCompressed(piece.length);
      onCompressed?.(piece);
    });
    for await (const piece of decompressStream(pieces, compression, options.decoders)) {
      signal?.throwIfAborted();
      meter.addDecompressed(piece.length, path);
      await file.write(piece);
    }
    return { source: await file.finish(), release: () => file.release() };
  } catch (error) {
    await file.release();
    if (path !== undefined && error instanceof ImageError && error.path === undefined) {
      throw new ImageError(error.code, error.message, { path, cause: error });
    }
    throw error;
  }
}

async function* watchPieces(
  pieces: ByteStream,
  watch: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    watch(piece);
    yield piece;
  }
}

type ZlibStream = ReturnType<typeof import("node:zlib").createGunzip>;

/** `node:zlib` with zstd, which the type declarations of the oldest supported Node do not know. */
type Zlib = typeof import("node:zlib") & {
  createZstdDecompress?(options: { chunkSize: number; params: Record<number, number> }): ZlibStream;
  constants: { ZSTD_d_windowLogMax?: number };
};

function corrupt(format: string, cause: unknown): ImageError {
  const reason = errorMessageOf(cause);
  return new ImageError(ErrorCode.BAD_COMPRESSION, `${format} data is corrupt or ends early: ${reason}`, {
    cause,
  });
}

/** Push `pieces` through a stream of `node:zlib`, which works on the thread pool meanwhile. */
async function* pumpThrough(
  transform: ZlibStream,
  pieces: ByteStream,
  format: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  // A destroyed stream forgets the callback of a write that waits for its reader, so `close` settles it too.
  const write = (piece: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const onClose = (): void => reject(new Error("the decoder was closed"));
      transform.once("close", onClose);
      transform.write(piece, (error) => {
        transform.off("close", onClose);
        if (error) reject(error);
        else resolve();
      });
    });
  let inputError: unknown;
  const feed = async (): Promise<void> => {
    const iterator = pieces[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await iterator.next().catch((error: unknown) => {
          inputError = error;
          throw error;
        });
        if (next.done) break;
        await write(next.value);
      }
      transform.end();
    } catch (error) {
      transform.destroy(error instanceof Error ? error : new Error(String(error)));
    } finally {
      await iterator.return?.();
    }
  };
  const fed = feed();
  try {
    for await (const chunk of transform) yield chunk as Uint8Array;
  } catch (error) {
    throw inputError ?? corrupt(format, error);
  } finally {
    transform.destroy();
    await fed.catch(() => {});
  }
}

async function* gunzipPortable(pieces: ByteStream): AsyncGenerator<Uint8Array, void, undefined> {
  // Loaded where they are needed: 15 ms that most images would spend for nothing.
  const { Gunzip } = await import("fflate");
  let ready: Uint8Array[] = [];
  const gunzip = new Gunzip((chunk) => {
    ready.push(chunk);
  });
  const push = (piece: Uint8Array, final: boolean): Uint8Array[] => {
    ready = [];
    try {
      gunzip.push(piece, final);
    } catch (error) {
      throw corrupt("gzip", error);
    }
    return ready;
  };
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += PORTABLE_GZIP_INPUT_BYTES) {
      // fflate keeps what it is given.
      yield* push(piece.slice(at, at + PORTABLE_GZIP_INPUT_BYTES), false);
    }
  }
  yield* push(new Uint8Array(0), true);
}

async function* unzstdNative(pieces: ByteStream, zlib: Zlib): AsyncGenerator<Uint8Array, void, undefined> {
  const parts = splitZstdFrames(pieces);
  const params: Record<number, number> = {};
  if (zlib.constants.ZSTD_d_windowLogMax !== undefined) {
    params[zlib.constants.ZSTD_d_windowLogMax] = Math.log2(MAX_ZSTD_WINDOW_BYTES);
  }
  try {
    for (;;) {
      const first = await parts.next();
      if (first.done) return;
      const frame = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield first.value.bytes;
        for (;;) {
          const { done, value } = await parts.next();
          if (done) return;
          if (value.bytes.length > 0) yield value.bytes;
          if (value.kind === "end") return;
        }
      };
      const decoder = zlib.createZstdDecompress!({ chunkSize: OUTPUT_CHUNK_BYTES / 4, params });
      yield* pumpThrough(decoder, frame(), "zstd");
    }
  } finally {
    await parts.return();
  }
}

async function* unzstdPortable(pieces: ByteStream): AsyncGenerator<Uint8Array, void, undefined> {
  const { Decompress } = await import("fzstd");
  const { create } = await loadHash64();
  let ready: Uint8Array[] = [];
  let decoder: Decompress | undefined;
  let checksum = create();
  for await (const { kind, bytes } of splitZstdFrames(pieces)) {
    ready = [];
    if (kind === "header") {
      checksum = create();
      decoder = new Decompress((chunk) => {
        ready.push(chunk);
      });
    }
    try {
      decoder!.push(bytes, kind === "end");
    } catch (error) {
      throw corrupt("zstd", error);
    }
    for (const chunk of ready) {
      checksum.update(chunk);
      yield chunk;
    }
    if (kind === "end" && bytes.length > 0) {
      const expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      const actual = Number(checksum.digest() & 0xffffffffn);
      if (actual !== expected) throw corrupt("zstd", `expected checksum ${expected}, found ${actual}`);
    }
  }
}
