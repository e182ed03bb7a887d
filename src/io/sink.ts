import { concatBytes, EMPTY_BYTES } from "../bytes/index.ts";
import { memorySource, type Source } from "./source.ts";

/**
 * Where bytes go, in order.
 *
 * The caller awaits each `write` before the next (back-pressure) and may reuse the bytes once it is settled.
 */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
}

/** A sink that an earlier run, which was interrupted, has filled in part. */
export interface ResumableSink extends Sink {
  /** What is there, from the first byte on. Nothing is known of it. */
  readonly existing: Source;
  /** Keep what is before `offset`, drop what is behind, and write from there. Called once, before the first `write`. */
  continueAt(offset: number): Promise<void>;
}

/** A sink from which can be read what was written to it. */
export interface ReadableSink extends Sink {
  /** Fill all of `into` with the bytes from `offset`; all of them have been written. */
  readWritten(offset: number, into: Uint8Array): Promise<void>;
}

/** Whether what was written to a sink can be read from it. */
export function isReadableSink(sink: Sink): sink is ReadableSink {
  return "readWritten" in sink;
}

/** A sink that keeps everything in memory. */
export interface MemorySink extends ReadableSink {
  /** All bytes written so far, in a new array. */
  bytes(): Uint8Array;
}

/** Collect what is written, in memory. */
export function memorySink(): MemorySink {
  let parts: Uint8Array[] = [];
  return {
    write: async (bytes) => {
      parts.push(bytes.slice());
    },
    readWritten: async (offset, into) => {
      if (parts.length > 1) parts = [concatBytes(parts)];
      await memorySource(parts[0] ?? EMPTY_BYTES).read(offset, into);
    },
    bytes: () => concatBytes(parts),
  };
}

/** A sink that only counts. */
export interface CountingSink extends Sink {
  readonly bytesWritten: number;
}

/** Count what is written and drop it, or hand it on to `next`. */
export function countingSink(next?: Sink): CountingSink {
  let bytesWritten = 0;
  return {
    get bytesWritten() {
      return bytesWritten;
    },
    write: async (bytes) => {
      await next?.write(bytes);
      bytesWritten += bytes.length;
    },
  };
}

/**
 * A sink over a `WritableStream` of the web platform. The stream gets copies, since it may keep what it is given, and is
 * locked during each write only, so that the caller can close or abort it in the end.
 */
export function writableStreamSink(stream: WritableStream<Uint8Array>): Sink {
  return {
    write: async (bytes) => {
      const writer = stream.getWriter();
      try {
        await writer.ready;
        await writer.write(bytes.slice());
      } finally {
        writer.releaseLock();
      }
    },
  };
}
