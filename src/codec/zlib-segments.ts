import type { BrotliOptions, ZlibOptions } from "node:zlib";
import { concatBytes, EMPTY_BYTES } from "../bytes/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { getBuiltinModule } from "../io/builtin.ts";
import type { SegmentDecoder, SegmentEncoder } from "./codec.ts";

/** The part of node:zlib's transform streams that segments need. */
export interface ZlibTransform {
  write(chunk: Uint8Array, callback: (error?: Error | null) => void): boolean;
  flush(kind: number, callback: () => void): void;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  readonly readableLength: number;
  destroy(): void;
}

/** node:zlib with what newer versions add to it (zstd: Node 22.15 and 23.8). */
export interface Zlib {
  readonly constants: Readonly<Record<string, number>>;
  createBrotliCompress(options?: BrotliOptions): ZlibTransform;
  createBrotliDecompress(options?: BrotliOptions): ZlibTransform;
  createZstdCompress?(options?: ZlibOptions | BrotliOptions): ZlibTransform;
  createZstdDecompress?(options?: ZlibOptions | BrotliOptions): ZlibTransform;
}

/** node:zlib, or `undefined` where the runtime has none. */
export function getZlib(): Zlib | undefined {
  return getBuiltinModule("node:zlib") as unknown as Zlib | undefined;
}

// Where there is node:zlib there is setImmediate; a timer would wait a millisecond each time.
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Output of a transform between two points in time, and the error that may end it. */
class Collector {
  parts: Uint8Array[] = [];
  bytes = 0;
  #error: Error | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(transform: ZlibTransform, onData?: (bytes: number) => void) {
    transform.on("data", (chunk) => {
      this.parts.push(chunk);
      this.bytes += chunk.length;
      onData?.(this.bytes);
    });
    transform.on("error", (error) => {
      this.#error = error;
      this.#fail?.(error);
    });
  }

  /** Run one step of the transform and wait until its output has been handed over. */
  async run(transform: ZlibTransform, step: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      step((error) => (error ? reject(error) : resolve()));
    });
    this.#fail = undefined;
    // Output that was made may wait one turn in the stream's buffer.
    while (transform.readableLength > 0) await nextTurn();
  }

  take(): Uint8Array {
    const out = this.parts.length === 1 ? this.parts[0]! : concatBytes(this.parts);
    this.parts = [];
    this.bytes = 0;
    return out;
  }
}

/** An encoder over a compressing transform; `flushKind` is the constant that ends a segment but not the stream. */
export function zlibEncoder(transform: ZlibTransform, flushKind: number): SegmentEncoder {
  const output = new Collector(transform);
  return {
    encode: async (raw) => {
      if (raw.length === 0) return EMPTY_BYTES;
      await output.run(transform, (done) => transform.write(raw, done));
      await output.run(transform, (done) => transform.flush(flushKind, done));
      return output.take();
    },
    close: () => transform.destroy(),
  };
}

/** A decoder over a decompressing transform. Output beyond the expected length stops it: no bomb is unpacked. */
export function zlibDecoder(transform: ZlibTransform, name: string): SegmentDecoder {
  let expected = 0;
  const overflow = (): FormatError =>
    new FormatError(ErrorCode.CORRUPT_BODY, `expected a ${name} segment of ${expected} bytes, found more`);
  let ended = false;
  let stop: ((error: Error) => void) | undefined;
  const output = new Collector(transform, (bytes) => {
    if (bytes > expected) {
      transform.destroy();
      stop?.(overflow());
    }
  });
  transform.on("end", () => {
    ended = true;
  });
  return {
    decode: async (coded, rawBytes) => {
      expected = rawBytes;
      try {
        if (ended && coded.length > 0) throw new Error("the compressed stream has ended before");
        if (coded.length > 0) {
          await Promise.race([
            output.run(transform, (done) => transform.write(coded, done)),
            new Promise<never>((_, reject) => {
              stop = reject;
            }),
          ]);
        }
      } catch (cause) {
        if (cause instanceof FormatError) throw cause;
        throw new FormatError(ErrorCode.CORRUPT_BODY, `a ${name} segment is damaged`, { cause });
      }
      if (output.bytes !== rawBytes) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `expected a ${name} segment of ${rawBytes} bytes, found ${output.bytes}`,
        );
      }
      return output.take();
    },
    close: () => transform.destroy(),
  };
}
