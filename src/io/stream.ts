import { concatBytes, EMPTY_BYTES } from "../bytes/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import { checkRange, type Source } from "./source.ts";

/** Bytes that arrive in order, in pieces of any size. The consumer's pace sets the producer's. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** What can be read in order: a stream, a web `ReadableStream`, a source, or bytes in memory. */
export type ByteInput = ByteStream | ReadableStream<Uint8Array> | Source | Uint8Array;

/** Size of the pieces that are read and handed on: large enough that a system call costs nothing per byte. */
export const CHUNK_BYTES = 1 << 20;

// What is taken apart as it comes is used in small parts: larger pieces only take memory. Reading them takes less time than asking a
// thread to.
const STREAM_CHUNK_BYTES = 1 << 16;

/** Which part of a source to scan, and how. */
export interface ScanOptions {
  offset?: number;
  length?: number;
  chunkBytes?: number;
  signal?: AbortSignal | undefined;
}

/**
 * The bytes of a source in order, the next piece being read while the present one is worked on.
 *
 * Two buffers take turns: a piece is valid only until the next one is asked for. Copy what must live longer.
 */
export async function* scanSource(
  source: Source,
  options: ScanOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { offset = 0, length = source.size - offset, chunkBytes = CHUNK_BYTES, signal } = options;
  checkRange(source.size, offset, length);
  const end = offset + length;
  const bufferBytes = Math.min(chunkBytes, length);
  const buffers = [new Uint8Array(bufferBytes), new Uint8Array(length > chunkBytes ? bufferBytes : 0)];
  const start = async (at: number, turn: number): Promise<Uint8Array> => {
    const piece = buffers[turn]!.subarray(0, Math.min(chunkBytes, end - at));
    if (chunkBytes <= STREAM_CHUNK_BYTES && source.readSync !== undefined) source.readSync(at, piece);
    else await source.read(at, piece);
    return piece;
  };
  let next = length > 0 ? start(offset, 0) : undefined;
  try {
    for (let at = offset, turn = 0; next !== undefined; turn = 1 - turn) {
      signal?.throwIfAborted();
      const piece: Uint8Array = await next;
      at += piece.length;
      next = at < end ? start(at, 1 - turn) : undefined;
      yield piece;
    }
  } finally {
    // A consumer that leaves early must not leave an unhandled rejection behind.
    await next?.catch(() => {});
  }
}

/** So many pieces are read at once, then one while the event loop turns: signals are to be seen. */
const TURN_PIECES = 64;

/**
 * Read a source, or a part of it, in order and into the same memory, at once where its bytes are at hand.
 *
 * @param piece - receives each piece; all but the last fill it.
 * @param take - uses the first `length` bytes of `piece`, before the next are read.
 */
export async function readPieces(
  source: Source,
  piece: Uint8Array,
  { offset = 0, length = source.size - offset, signal }: Omit<ScanOptions, "chunkBytes">,
  take: (length: number) => void,
): Promise<void> {
  if (source.readSync === undefined) {
    for await (const part of scanSource(source, { offset, length, chunkBytes: piece.length, signal })) {
      piece.set(part);
      take(part.length);
    }
    return;
  }
  checkRange(source.size, offset, length);
  const end = offset + length;
  for (let at = offset, turn = 0; at < end; turn++) {
    const part = piece.subarray(0, Math.min(piece.length, end - at));
    if (turn % TURN_PIECES > 0) source.readSync(at, part);
    else {
      signal?.throwIfAborted();
      await source.read(at, part);
    }
    at += part.length;
    take(part.length);
  }
}

/**
 * The items of `items`, up to `depth` of them made ahead while the consumer works on the one before.
 *
 * An error comes in its turn, after the items that were made before it.
 */
export async function* prefetch<T>(
  items: AsyncIterable<T>,
  depth: number,
): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  const queue: Promise<IteratorResult<T>>[] = [];
  const start = (): void => {
    const next = iterator.next();
    // Seen by the `await` below, when its turn comes.
    next.catch(() => {});
    queue.push(next);
  };
  try {
    // An async generator answers calls of `next` one after another, in the order in which they were made.
    for (let i = 0; i < depth; i++) start();
    for (;;) {
      start();
      const result = await queue.shift()!;
      if (result.done) return;
      yield result.value;
    }
  } finally {
    await Promise.allSettled(queue);
    await iterator.return?.();
  }
}

function isSource(input: object): input is Source {
  return typeof (input as Source).read === "function" && typeof (input as Source).size === "number";
}

/** How many bytes an input has, where that is known before they are read. */
export function knownSize(input: ByteInput): number | undefined {
  if (input instanceof Uint8Array) return input.length;
  return isSource(input) ? input.size : undefined;
}

/**
 * Any input as a stream of bytes.
 *
 * @param signal - when aborted, the stream rejects with the signal's reason before its next piece.
 */
export async function* toByteStream(
  input: ByteInput,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (input instanceof Uint8Array) {
    signal?.throwIfAborted();
    if (input.length > 0) yield input;
  } else if (isSource(input)) {
    yield* scanSource(input, { chunkBytes: STREAM_CHUNK_BYTES, signal });
  } else if (Symbol.asyncIterator in input) {
    signal?.throwIfAborted();
    for await (const piece of input) {
      yield piece;
      signal?.throwIfAborted();
    }
  } else {
    // Some browsers' streams are not async iterable.
    const reader = (input as ReadableStream<Uint8Array>).getReader();
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
}

/**
 * Look at the beginning of a stream.
 *
 * @param bytes - how many are wanted; `head` has fewer when the stream has no more.
 * @returns the first bytes, and the whole stream with them, to be read instead of `stream`.
 */
export async function peekStream(
  stream: ByteStream,
  bytes: number,
): Promise<{ head: Uint8Array; stream: ByteStream }> {
  const iterator = stream[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  for (let missing = bytes; missing > 0; ) {
    const { done, value } = await iterator.next();
    if (done) break;
    // A copy: a piece is valid only until the next one is asked for.
    parts.push(new Uint8Array(value));
    missing -= value.length;
  }
  const start = concatBytes(parts);
  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (start.length > 0) yield start;
      yield* { [Symbol.asyncIterator]: () => iterator };
    } finally {
      await iterator.return?.();
    }
  }
  return { head: start.subarray(0, bytes), stream: whole() };
}

/** Pulls exact amounts of bytes out of a stream, whatever the size of its pieces. */
export class StreamReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #what: string;
  #piece: Uint8Array = EMPTY_BYTES;
  #at = 0;
  #position = 0;

  /** @param what - names the stream in errors ("delta"). */
  constructor(stream: ByteStream, what: string) {
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#what = what;
  }

  /** Bytes read so far: the offset in the file. */
  get position(): number {
    return this.#position;
  }

  async #fill(): Promise<boolean> {
    while (this.#at === this.#piece.length) {
      const { done, value } = await this.#iterator.next();
      if (done) return false;
      this.#piece = value;
      this.#at = 0;
    }
    return true;
  }

  /** Whether the stream has no more bytes. */
  async ended(): Promise<boolean> {
    return !(await this.#fill());
  }

  #endsEarly(missing: number, length: number): FormatError {
    return new FormatError(
      ErrorCode.TRUNCATED,
      `${this.#what} ends early: ${missing} of ${length} bytes are missing`,
      { offset: this.#position },
    );
  }

  /** At most `length` bytes that have arrived, at least one: a view that is valid until more are read. */
  async #take(length: number): Promise<Uint8Array | undefined> {
    if (!(await this.#fill())) return undefined;
    const part = this.#piece.subarray(this.#at, this.#at + length);
    this.#at += part.length;
    this.#position += part.length;
    return part;
  }

  /** The next `length` bytes, which are still to be read; fewer where the stream ends. A view that is valid until more are read. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.#piece.length - this.#at < length) {
      // A copy, since a piece is gone when the next one is asked for; not `slice`, which for a Buffer gives a view.
      const rest = new Uint8Array(this.#piece.subarray(this.#at));
      const { done, value } = await this.#iterator.next();
      this.#piece = done ? rest : concatBytes([rest, value]);
      this.#at = 0;
      if (done) break;
    }
    return this.#piece.subarray(this.#at, this.#at + length);
  }

  /**
   * The next `length` bytes, copied. Memory grows with what has arrived, not with what `length` claims.
   *
   * @throws {@link FormatError} `TRUNCATED` when the stream ends before.
   */
  async read(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await this.#take(missing);
      if (part === undefined) throw this.#endsEarly(missing, length);
      // Not `slice`, which for the Buffers of Node's streams gives a view.
      parts.push(new Uint8Array(part));
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : concatBytes(parts);
  }

  /** The next `length` bytes, copied; fewer where the stream ends. */
  async readUpTo(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await this.#take(missing);
      if (part === undefined) break;
      parts.push(new Uint8Array(part));
      missing -= part.length;
    }
    return concatBytes(parts);
  }

  /**
   * Fill `into` with the next bytes.
   *
   * @throws {@link FormatError} `TRUNCATED` when the stream ends before.
   */
  async readInto(into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const part = await this.#take(into.length - done);
      if (part === undefined) throw this.#endsEarly(into.length - done, into.length);
      into.set(part, done);
      done += part.length;
    }
  }

  /** Tell the producer that no more is wanted. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
