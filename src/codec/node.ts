/**
 * Coding segments on worker threads: what of `codec` needs Node.
 *
 * @module
 */
import type { Codec, SegmentDecoder, SegmentEncoder } from "./codec.ts";
import { inlineCoding, type SegmentCoding } from "./coding.ts";
import type { FoundMatches } from "./lz/finder.ts";
import type { ResidualSpans } from "./mix/index.ts";
import { SegmentThread, type ThreadCoder } from "./segment-thread.ts";
import type { CoderRole, SegmentTask } from "./segment-worker.ts";

// A thread takes 20 to 40 ms to start; in that time the slowest codec does this much.
const MIN_THREAD_BYTES = 1 << 18;

// From here on a second thread for an encoder's other part saves more than it takes to start.
const MIN_STAGED_BYTES = 1 << 19;

/** Options of {@link createCodingThreads}. */
export interface CodingThreadsOptions {
  /** Whether decoders begin on threads, not only when much has come: for deltas that are known to be large. */
  atOnce?: boolean | undefined;
  /** Whether residuals are decoded on a thread; they are unless said otherwise. */
  residuals?: boolean | undefined;
  /** From what a decoder of literals declares on it gets a thread: {@link LARGE_DECODER_BYTES} unless given. */
  literalsFromBytes?: number | undefined;
  /**
   * Whether ops are decoded on the thread that literals have: for callers with enough to do besides, and deltas with so many literals
   * that they get a thread.
   */
  ops?: boolean | undefined;
  /** Called when a thread has started: flags of V8 may be others then. */
  onThread?: (() => void) | undefined;
}

/** Coding on threads. */
export interface CodingThreads extends SegmentCoding {
  /** End the threads that coders still have. Closing each coder does so too. */
  close(): Promise<void>;
}

/** What a decoder declares whose window holds 16 MiB of literals or more. */
export const LARGE_DECODER_BYTES = 1 << 25;

function isShared(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof SharedArrayBuffer;
}

/** Let a thread prime a coder, from memory that is given back as a whole: what a message copies stays in the thread's own. */
async function primeOn(coder: ThreadCoder, history: Uint8Array): Promise<void> {
  const shared = new Uint8Array(new SharedArrayBuffer(history.length));
  shared.set(history);
  await coder.run({ bytes: shared, into: undefined, basis: undefined, isHistory: true });
}

/** An encoder in two parts, each with a thread: while one codes a segment, the other is at work on the next. */
class StagedEncoder implements SegmentEncoder {
  readonly queues = true;
  readonly #finder: ThreadCoder;
  readonly #parser: ThreadCoder;

  constructor(finder: ThreadCoder, parser: ThreadCoder) {
    this.#finder = finder;
    this.#parser = parser;
  }

  async prime(history: Uint8Array): Promise<void> {
    await Promise.all([primeOn(this.#finder, history), primeOn(this.#parser, history)]);
  }

  async encode(raw: Uint8Array): Promise<Uint8Array> {
    const task = { bytes: raw, into: undefined, basis: undefined };
    const found = (await this.#finder.run(task)) as FoundMatches;
    const moved = found.map(({ records }) => records.buffer as ArrayBuffer);
    return (await this.#parser.run({ ...task, found }, moved)) as Uint8Array;
  }

  close(): void {
    this.#finder.close();
    this.#parser.close();
  }
}

/** What a residual is decoded with. */
type Beside = Pick<SegmentTask, "basis" | "spans" | "adds">;

/** Let a thread decode a segment into memory that it may not share. */
async function decodeOn(
  coder: ThreadCoder,
  coded: Uint8Array,
  into: Uint8Array,
  beside: Beside,
): Promise<void> {
  if (isShared(into)) {
    await coder.run({ bytes: coded, into, ...beside });
    return;
  }
  const shared = new Uint8Array(new SharedArrayBuffer(into.length));
  if (beside.adds === true) shared.set(into);
  await coder.run({ bytes: coded, into: shared, ...beside });
  into.set(shared);
}

/**
 * A decoder begins in the calling thread and moves to one of its own when enough bytes have come: most deltas of small
 * edits never get there. The thread starts afresh, so it decodes what came before once more.
 */
class MovingDecoder implements SegmentDecoder {
  readonly isElsewhere = true;
  readonly #startThread: () => ThreadCoder;
  #inline: SegmentDecoder | undefined;
  #thread: ThreadCoder | undefined;
  /** What the decoder in the calling thread was given, and how many bytes it made. */
  #given: { coded: Uint8Array; rawBytes: number; beside: Beside }[] = [];
  #made = 0;
  #history: Uint8Array | undefined;
  readonly prime?: NonNullable<SegmentDecoder["prime"]>;
  readonly addTo?: NonNullable<SegmentDecoder["addTo"]>;

  constructor(codec: Codec, memoryBytes: number | undefined, startThread: () => ThreadCoder) {
    this.#inline = codec.createDecoder(memoryBytes);
    this.#startThread = startThread;
    if (codec.needsBasis) {
      this.addTo = (coded, bytes, spans) => {
        if (this.#staysInline(coded, bytes.length, bytes, spans))
          return this.#inline!.addTo!(coded, bytes, spans);
        return decodeOn(this.#moveToThread(), coded, bytes, { basis: undefined, spans, adds: true });
      };
    }
    if (codec.takesHistory === true) {
      this.prime = (history) => {
        this.#history = history.slice();
        return this.#inline!.prime!(history);
      };
    }
  }

  /** Whether a segment is for the decoder in the calling thread; the thread that comes later is told of it then. */
  #staysInline(
    coded: Uint8Array,
    rawBytes: number,
    basis: Uint8Array | undefined,
    spans: ResidualSpans | undefined,
  ): boolean {
    if (this.#thread !== undefined || this.#made + rawBytes >= MIN_THREAD_BYTES) return false;
    this.#made += rawBytes;
    const beside = { basis: basis?.slice(), spans: spans?.slice() };
    this.#given.push({ coded: coded.slice(), rawBytes, beside });
    return true;
  }

  #moveToThread(): ThreadCoder {
    if (this.#thread !== undefined) return this.#thread;
    const thread = this.#startThread();
    this.#thread = thread;
    this.#inline?.close();
    this.#inline = undefined;
    if (this.#history !== undefined) primeOn(thread, this.#history).catch(() => {});
    this.#history = undefined;
    for (const { coded, rawBytes, beside } of this.#given.splice(0)) {
      // An error of these would show in the answer to the next.
      decodeOn(thread, coded, new Uint8Array(rawBytes), beside).catch(() => {});
    }
    return thread;
  }

  async decode(
    coded: Uint8Array,
    into: Uint8Array,
    basis?: Uint8Array,
    spans?: ResidualSpans,
  ): Promise<void> {
    if (this.#staysInline(coded, into.length, basis, spans))
      return this.#inline!.decode(coded, into, basis, spans);
    return decodeOn(this.#moveToThread(), coded, into, { basis, spans });
  }

  close(): void {
    this.#inline?.close();
    this.#thread?.close();
  }
}

/**
 * Give each encoder and decoder that would hold up the calling thread a thread of its own, for the option
 * `segmentCoding` of `applyDelta` and as part of the workers of `createDelta`. Codecs of node:zlib have Node's threads.
 */
export function createCodingThreads({
  atOnce = false,
  residuals = true,
  literalsFromBytes = LARGE_DECODER_BYTES,
  ops = false,
  onThread,
}: CodingThreadsOptions = {}): CodingThreads {
  const threads = new Set<SegmentThread>();
  /** The thread for ops and literals. */
  let shared: SegmentThread | undefined;
  const startThread = (): SegmentThread => {
    const thread = new SegmentThread(onThread);
    threads.add(thread);
    return thread;
  };
  const startCoder = (codec: Codec, role: Omit<CoderRole, "codecId">): ThreadCoder =>
    startThread().openCoder({ codecId: codec.id, ...role });
  const createThreadDecoder = (coder: ThreadCoder, codec: Codec): SegmentDecoder => ({
    ...(codec.takesHistory === true && { prime: (history: Uint8Array) => primeOn(coder, history) }),
    ...(codec.needsBasis && {
      addTo: (coded: Uint8Array, bytes: Uint8Array, spans?: ResidualSpans) =>
        decodeOn(coder, coded, bytes, { basis: undefined, spans, adds: true }),
    }),
    isElsewhere: true,
    queues: true,
    decode: (coded, into, basis, spans) => decodeOn(coder, coded, into, { basis, spans }),
    close: () => coder.close(),
  });
  // It is needed for certain, and what comes before the first segment may take as long as it does to start.
  if (atOnce && ops) shared = startThread();
  return {
    createEncoder(codec, settings, expectedBytes): SegmentEncoder {
      if (!codec.isBlocking || expectedBytes < MIN_THREAD_BYTES) {
        return inlineCoding.createEncoder(codec, settings, expectedBytes);
      }
      if (codec.stages !== undefined && expectedBytes >= MIN_STAGED_BYTES) {
        const [finder, parser] = (["finder", "parser"] as const).map((stage) =>
          startCoder(codec, { settings, stage }),
        );
        return new StagedEncoder(finder!, parser!);
      }
      const coder = startCoder(codec, { settings });
      return {
        ...(codec.takesHistory === true && { prime: (history: Uint8Array) => primeOn(coder, history) }),
        encode: async (raw, basis, spans) =>
          (await coder.run({ bytes: raw, into: undefined, basis, spans })) as Uint8Array,
        close: () => coder.close(),
      };
    },
    // Residuals are many, and their codec is slow; what else there is the calling thread does meanwhile, unless it is so much
    // that a large window was taken. A thread costs 9 MB.
    createDecoder: (codec, memoryBytes): SegmentDecoder => {
      const isLarge = codec.takesHistory === true && (memoryBytes ?? 0) >= literalsFromBytes;
      const hasThread = codec.needsBasis
        ? residuals
        : isLarge || (codec.isForControl === true && ops && atOnce);
      if (!hasThread) return inlineCoding.createDecoder(codec, memoryBytes);
      if (!atOnce) return new MovingDecoder(codec, memoryBytes, () => startCoder(codec, { memoryBytes }));
      if (!ops || codec.needsBasis) return createThreadDecoder(startCoder(codec, { memoryBytes }), codec);
      if (shared?.isClosed !== false) shared = startThread();
      return createThreadDecoder(shared.openCoder({ codecId: codec.id, memoryBytes }), codec);
    },
    close: async () => {
      await Promise.all([...threads].map((thread) => thread.close()));
      threads.clear();
    },
  };
}
