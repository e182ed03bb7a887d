import type { BrotliOptions, ZlibOptions } from "node:zlib";
import { concatBytes, EMPTY_BYTES } from "../bytes/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { getBuiltinModule } from "../io/builtin.ts";
import { nextTurn } from "../io/next-turn.ts";
import type { SegmentDecoder, SegmentEncoder } from "./codec.ts";

/** The part of node:zlib's transform streams that segments need. */
export interface ZlibTransform {
  write(chunk: Uint8Array, callback: (error?: Error | null) => void): boolean;
  flush(kind: number, callback: () => void): void;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  readonly readableLength: number;
  /** Where in its buffer the next output goes. Not documented: see {@link zlibDecoder}. */
  _outOffset?: number;
  destroy(): void;
}

/** node:zlib with what newer versions add to it (zstd: Node 22.15 and 23.8). */
export interface Zlib {
  readonly constants: Readonly<Record<string, number>>;
  createBrotliCompress(options?: BrotliOptions): ZlibTransform;
  createBrotliDecompress(options?: BrotliOptions): ZlibTransform;
  brotliCompressSync(raw: Uint8Array, options?: BrotliOptions): Uint8Array;
  brotliDecompressSync(coded: Uint8Array, options?: BrotliOptions): Uint8Array;
  createZstdCompress?(options?: ZlibOptions | BrotliOptions): ZlibTransform;
  createZstdDecompress?(options?: ZlibOptions | BrotliOptions): ZlibTransform;
}

/** node:zlib, or `undefined` where the runtime has none. */
export function getZlib(): Zlib | undefined {
  return getBuiltinModule("node:zlib") as unknown as Zlib | undefined;
}

/** Runs the steps of a transform; its output goes to whoever listens. */
class Runner {
  readonly #transform: ZlibTransform;
  #error: Error | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(transform: ZlibTransform) {
    this.#transform = transform;
    transform.on("error", (error) => this.fail(error));
  }

  /** Make the present step fail, and all later ones. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#fail?.(this.#error);
  }

  /** Run one step and wait until its output has been handed over. */
  async run(step: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      step((error) => (error ? reject(error) : resolve()));
    });
    this.#fail = undefined;
    // Output that was made may wait one turn in the stream's buffer.
    while (this.#transform.readableLength > 0) await nextTurn();
    if (this.#error !== undefined) throw this.#error;
  }
}

/** An encoder over a compressing transform; `flushKind` is the constant that ends a segment but not the stream. */
export function zlibEncoder(transform: ZlibTransform, flushKind: number): SegmentEncoder {
  const runner = new Runner(transform);
  let parts: Uint8Array[] = [];
  transform.on("data", (chunk) => parts.push(chunk));
  return {
    encode: async (raw) => {
      if (raw.length === 0) return EMPTY_BYTES;
      await runner.run((done) => transform.write(raw, done));
      await runner.run((done) => transform.flush(flushKind, done));
      const coded = concatBytes(parts);
      parts = [];
      // What was made has been copied, as in decoding.
      transform._outOffset = 0;
      return coded;
    },
    close: () => transform.destroy(),
  };
}

/** A decoder over a decompressing transform. Output beyond the expected length stops it: no bomb is unpacked. */
export function zlibDecoder(transform: ZlibTransform, name: string): SegmentDecoder {
  const runner = new Runner(transform);
  let target = EMPTY_BYTES;
  let filled = 0;
  let ended = false;
  const damaged = (found: string): FormatError =>
    new FormatError(
      ErrorCode.CORRUPT_BODY,
      `expected a ${name} segment of ${target.length} bytes, found ${found}`,
    );
  transform.on("data", (chunk) => {
    if (chunk.length <= target.length - filled) target.set(chunk, filled);
    else {
      transform.destroy();
      runner.fail(damaged("more"));
    }
    filled += chunk.length;
  });
  transform.on("end", () => {
    ended = true;
  });
  return {
    decode: async (coded, into) => {
      target = into;
      filled = 0;
      // It would go on behind the last output, which has been copied, and take a new buffer when this one is full: to touch the new
      // pages took a twentieth of the time of applying, and 10 MB. Where Node knows no such field, that is all that is lost.
      transform._outOffset = 0;
      try {
        if (ended && coded.length > 0) throw new Error("the compressed stream has ended before");
        if (coded.length > 0) await runner.run((done) => transform.write(coded, done));
      } catch (cause) {
        if (cause instanceof FormatError) throw cause;
        throw new FormatError(ErrorCode.CORRUPT_BODY, `a ${name} segment is damaged`, { cause });
      }
      if (filled !== into.length) throw damaged(String(filled));
    },
    close: () => transform.destroy(),
  };
}
