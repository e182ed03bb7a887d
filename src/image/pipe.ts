/**
 * Image archives that arrive as a stream: from a pipe, out of a download. Everything that seeks needs a file, so the
 * members' contents go to one scratch file as they come.
 */
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { type Extract, extract, type Header } from "tar-stream";
import { ImageError } from "../errors.ts";
import {
  type ByteInput,
  type ByteStream,
  createMemoryScratch,
  memorySource,
  type ScratchFile,
  toByteStream,
} from "../io/index.ts";
import {
  addMember,
  type BlobStore,
  type MemberIndex,
  memberStore,
  type OpenArchiveOptions,
} from "./archive.ts";
import { decompressStream, detectCompression } from "./decompress.ts";
import { ambiguousArchive, HeaderTap } from "./header-tap.ts";
import { ExpansionMeter, type FilledLimits, fillLimits } from "./limits.ts";
import { parseTar, roundUpToBlock } from "./tar/index.ts";

// Whole header blocks, and few enough calls for each megabyte whatever the size of the pieces that arrive.
const FEED_BYTES = 1 << 16;

// As many bytes as tell one compression from another.
const HEAD_BYTES = 6;

/**
 * Open an image archive that arrives in order: the same blobs as `openArchive` finds by seeking. The input is read to
 * its end, so that who writes into a pipe is not cut off, and is destroyed or told to stop on every error.
 *
 * tar-stream takes the archive apart as it comes. What its headers mean is for our own reader to say, which sees the
 * same blocks: so an archive means the same, and is refused for the same reasons, from a pipe and from a file; of two
 * reasons the one that comes first in the stream is named. An archive that the two take apart differently is refused.
 *
 * @throws as `openArchive`; {@link ImageError} `BAD_ENTRY` for an archive that can only be read from a file (sparse
 * members); {@link LimitError} `SIZE_LIMIT` when more than `limits.decompressedBytes` arrive.
 */
export async function openArchiveStream(
  input: ByteInput,
  options: OpenArchiveOptions = {},
): Promise<BlobStore> {
  const { scratch = createMemoryScratch(), signal } = options;
  const limits = fillLimits(options.limits);
  const stop = new AbortController();
  const pieces = readPieces(
    input,
    signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
  );
  let file: ScratchFile | undefined;
  try {
    file = await scratch();
    const blocks = cutBlocks(decompressPieces(pieces, new ExpansionMeter(limits)));
    const members = await takeMembers(blocks, file, limits, (error) => stop.abort(error));
    const contents = await file.finish();
    return memberStore(members, contents, file.release);
  } catch (error) {
    // Whoever waits for the input waits no longer. Asked once more it lets go of it, even if it was never begun.
    stop.abort(error);
    await pieces.next().catch(ignore);
    await file?.release();
    throw signal?.aborted === true ? signal.reason : error;
  }
}

/** The pieces of an input; an abort also ends the wait for the next one. */
async function* readPieces(
  input: ByteInput,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  // The web platform's streams cannot be cancelled by others than their reader, Node's can be destroyed any time.
  const stream = input instanceof ReadableStream ? Readable.fromWeb(input as NodeReadableStream) : input;
  const iterator = toByteStream(stream)[Symbol.asyncIterator]();
  let giveUp: (reason: unknown) => void = ignore;
  const onAbort = (): void => giveUp(signal.reason);
  signal.addEventListener("abort", onAbort);
  let ended = false;
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array, void>>((resolve, reject) => {
        giveUp = reject;
        if (signal.aborted) reject(signal.reason);
        else iterator.next().then(resolve, reject);
      });
      if (next.done) break;
      if (!(next.value instanceof Uint8Array))
        throw new TypeError(`image archive: expected pieces of bytes, got ${typeof next.value}`);
      yield next.value;
    }
    ended = true;
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (!ended && stream instanceof Readable) stream.destroy();
    const returned = iterator.return();
    // An iterator that is stuck in its input never answers.
    if (signal.aborted) returned.catch(ignore);
    else await returned;
  }
}

/** Recognise by its first bytes how a stream is compressed, and decompress it. */
async function* decompressPieces(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  meter: ExpansionMeter,
): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < HEAD_BYTES) {
    const { done, value } = await pieces.next();
    if (done) break;
    // A copy, since pieces are valid until the next one only.
    head = Buffer.concat([head, value]);
  }
  const compression = await detectCompression(memorySource(head));
  async function* whole() {
    meter.addCompressed(head.length);
    yield head;
    for await (const piece of pieces) {
      meter.addCompressed(piece.length);
      yield piece;
    }
  }
  for await (const piece of decompressStream(whole(), compression)) {
    meter.addDecompressed(piece.length);
    yield piece;
  }
}

/** The bytes of a stream in new arrays of {@link FEED_BYTES}, the last one being shorter. */
async function* cutBlocks(pieces: ByteStream): AsyncGenerator<Uint8Array, void, undefined> {
  let block = new Uint8Array(FEED_BYTES);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + FEED_BYTES - filled);
      block.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < FEED_BYTES) continue;
      yield block;
      block = new Uint8Array(FEED_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

// The formats from before ustar are read too. A mark of 1 lets no block wait in a queue: when one is drained, tar-stream
// has seen to the end of it.
const PARSER_OPTIONS = { allowUnknownFormat: true, highWaterMark: 1 };

/** A header as tar-stream has it. The type declarations know no offsets. */
interface OuterHeader extends Header {
  /** Where the content begins. */
  readonly byteOffset: number;
}

/**
 * Write the content of every member to `file`, one after another, and tell where each one is.
 *
 * @param stop - ends the wait for blocks, so that an error comes out although their writer stalls.
 */
async function takeMembers(
  blocks: AsyncGenerator<Uint8Array, void, undefined>,
  file: ScratchFile,
  limits: FilledLimits,
  stop: (error: unknown) => void,
): Promise<MemberIndex> {
  const members: MemberIndex = new Map();
  const tap = new HeaderTap();
  const headers = parseTar(tap, { ...limits, maxEntries: limits.archiveMembers });
  const parser = extract(PARSER_OPTIONS);
  const feeder = new Feeder(parser);
  let writtenBytes = 0;
  let failure: { readonly error: unknown } | undefined;
  let located: Promise<number> = Promise.resolve(0);
  let taken: Promise<void> = Promise.resolve();

  /** Ask our own reader what a member is. Gives the length of its content. */
  const locate = async (outer: OuterHeader): Promise<number> => {
    tap.showUpTo(outer.byteOffset);
    const { done, value: entry } = await headers.next();
    if (done) {
      // Behind the end mark nothing counts.
      parser.destroy();
      return 0;
    }
    const { header, contentOffset, contentBytes } = entry;
    const outerBytes = outer.type === "directory" ? 0 : outer.size;
    if (contentOffset !== outer.byteOffset || contentBytes !== outerBytes)
      throw ambiguousArchive(entry.headerOffset);
    tap.keepFrom(contentOffset + roundUpToBlock(contentBytes));
    addMember(members, header, writtenBytes, contentBytes);
    return contentBytes;
  };

  const copy = async (content: AsyncIterable<Uint8Array>, contentBytes: number): Promise<void> => {
    // The content of a folder that claims a size would not end.
    if (contentBytes === 0) return;
    const endBytes = writtenBytes + contentBytes;
    for await (const part of untilDestroyed(content)) {
      await file.write(part);
      writtenBytes += part.length;
    }
    if (writtenBytes !== endBytes) throw tap.truncated();
  };

  parser.on("entry", (outer, content, next) => {
    content.on("error", ignore);
    located = locate(outer as OuterHeader);
    taken = located
      .then((contentBytes) => copy(content as AsyncIterable<Uint8Array>, contentBytes))
      .then(
        () => next(),
        (error: unknown) => {
          failure ??= { error };
          stop(error);
          next(new Error("a member was refused"));
        },
      );
  });

  /** The archive is over, by its end mark or by tar-stream's word: let our own reader say whether it is. */
  const finish = async (): Promise<void> => {
    // Content that will never be whole would be waited for. Whether there is any, the last header must have told.
    await located.catch(ignore);
    if (tap.isShort) parser.destroy();
    await taken;
    parser.destroy();
    if (failure !== undefined) throw failure.error;
    tap.showUpTo();
    const { done, value: entry } = await headers.next();
    if (!done) throw ambiguousArchive(entry.headerOffset);
  };

  let finished = false;
  const push = async (block: Uint8Array): Promise<void> => {
    // What follows the end mark is read, since its writer waits for that, and means nothing.
    if (finished) return;
    tap.push(block);
    await feeder.write(block);
    if (failure !== undefined) throw failure.error;
    if (!feeder.closed && !tap.sawEndMark()) return;
    await finish();
    finished = true;
  };

  try {
    for await (const block of blocks) {
      await push(block).catch((error: unknown) => {
        // Before the loop tells the blocks to return, for which a decoder would wait until it has read on.
        stop(error);
        throw error;
      });
    }
    if (!finished) {
      tap.end();
      await finish();
    }
    return members;
  } finally {
    parser.destroy();
    await taken;
  }
}

/** Writes blocks to tar-stream, each when it is done with the one before. */
class Feeder {
  readonly #parser: Extract;
  #wake: () => void = ignore;
  /** Whether tar-stream takes nothing any more: it met an error, or was destroyed. */
  closed = false;

  constructor(parser: Extract) {
    this.#parser = parser;
    parser.on("drain", () => this.#wake());
    parser.on("close", () => {
      this.closed = true;
      this.#wake();
    });
    // What is wrong is for our own reader to say.
    parser.on("error", ignore);
  }

  async write(block: Uint8Array): Promise<void> {
    if (this.closed) return;
    const settled = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (!this.#parser.write(block)) await settled;
  }
}

/** The pieces of a stream, which also ends where it is destroyed: why, is known to whoever did it. */
async function* untilDestroyed(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stream;
  } catch {
    return;
  }
}

function ignore(): void {}
