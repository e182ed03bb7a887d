import type { ResidualSpans } from "../codec/index.ts";
import {
  type CodedWindow,
  type DeltaReader,
  type OpenedWindow,
  OpKind,
  rawBytesOf,
  type SegmentMemory,
  StreamId,
  type WindowDecoder,
} from "../delta/index.ts";
import { nextTurn, PagedSource, readRanges, type Source } from "../io/index.ts";

// Half a MiB: what is wanted again is near.
const PAGES_AHEAD = { pages: 16 };

const MIN_BUFFER_BYTES = 1 << 12;

/** What ops take beside the basis. */
export interface DecodedSegments {
  /** Filled when what `finish` returns is fulfilled. */
  readonly data: Uint8Array;
  /** Likewise: what is added to basis bytes, or, with `residualIsTarget`, the sums: what the DIFF ops make. */
  readonly residual: Uint8Array;
  readonly residualIsTarget: boolean;
  /** Ask for them when the window's turn has come, in the order of the windows. */
  finish(): Promise<unknown>;
}

/** A window whose ops are decoded, and the other segments too or soon. */
export interface PreparedWindow extends OpenedWindow, DecodedSegments {
  /** With `residualIsTarget`, if they are asked for: the basis bytes that are in the sums. */
  readonly residualBasis: Uint8Array | undefined;
}

/** A window that is being prepared. */
export interface BegunWindow {
  readonly prepared: Promise<PreparedWindow>;
}

// As many as a window with few and long ops has.
const FIRST_SPANS = 1 << 10;
const SPAN_FIELDS = 3;

/** Memory, shared by threads where that is asked for and the runtime has such memory. */
function allocate(bytes: number, isShared: boolean): ArrayBuffer | SharedArrayBuffer {
  return isShared && typeof SharedArrayBuffer !== "undefined"
    ? new SharedArrayBuffer(bytes)
    : new ArrayBuffer(bytes);
}

/**
 * Where the residual bytes of a window stand. Windows take turns here too: what is made anew for each of them, and copied for a thread,
 * becomes several megabytes of garbage there.
 */
class SpanList {
  readonly #isShared: boolean;
  #fields: Uint32Array;
  #used = 0;

  constructor(isShared: boolean) {
    this.#isShared = isShared;
    this.#fields = this.#allocate(FIRST_SPANS);
  }

  #allocate(spans: number): Uint32Array {
    return new Uint32Array(allocate(spans * SPAN_FIELDS * Uint32Array.BYTES_PER_ELEMENT, this.#isShared));
  }

  clear(): void {
    this.#used = 0;
  }

  add(length: number, basisOffset: number, targetOffset: number): void {
    if (this.#used === this.#fields.length) {
      const grown = this.#allocate((2 * this.#used) / SPAN_FIELDS);
      grown.set(this.#fields);
      this.#fields = grown;
    }
    this.#fields[this.#used] = length;
    this.#fields[this.#used + 1] = basisOffset;
    this.#fields[this.#used + 2] = targetOffset;
    this.#used += SPAN_FIELDS;
  }

  /** All of them, until the list is cleared. */
  get spans(): ResidualSpans {
    return this.#fields.subarray(0, this.#used);
  }
}

/** Memory for the segments of one window. Windows take turns, so it grows to the largest segments and is used again. */
class WindowMemory {
  readonly #buffers = new Map<string, Uint8Array>();
  #spans: SpanList | undefined;

  /**
   * So many bytes, not cleared.
   *
   * @param isShared - whether threads share them, where the runtime has such memory: always the same for a name. V8 copies
   * bytes from there one by one.
   */
  get(name: string, length: number, isShared: boolean): Uint8Array {
    let buffer = this.#buffers.get(name);
    if (buffer === undefined || buffer.length < length) {
      // Rounded up, so that segments that grow by and by do not leave a buffer each behind.
      const bytes = Math.max(MIN_BUFFER_BYTES, 2 ** Math.ceil(Math.log2(length)));
      buffer = new Uint8Array(allocate(bytes, isShared));
      this.#buffers.set(name, buffer);
    }
    return buffer.subarray(0, length);
  }

  /** A list of spans, empty; `isShared` as above. */
  spanList(isShared: boolean): SpanList {
    this.#spans ??= new SpanList(isShared);
    this.#spans.clear();
    return this.#spans;
  }
}

/**
 * Whether residuals are decoded in their window's turn. A thread has them ready before; the calling thread would only do early what it has to
 * do anyway, and hold up other threads.
 */
export function decodesResidualsLate(decoder: WindowDecoder): boolean {
  return decoder.residualNeedsBasis && !decoder.isElsewhere(StreamId.RESIDUAL);
}

/** Gets windows ready, each while earlier ones are carried out. */
export class WindowPreparer {
  readonly #basis: Source;
  readonly #pages: PagedSource;
  readonly #decoder: WindowDecoder;
  /** See {@link decodesResidualsLate}: then one memory serves for the residuals of all windows. */
  readonly #isLate: boolean;
  readonly #keepsBasis: boolean;
  readonly #memories: WindowMemory[];
  /** Of what is decoded only in a window's turn. */
  readonly #lateMemory = new WindowMemory();
  #turn = 0;
  /** Settled when the decoder of literals knows what it is primed with; absent before the first window. */
  #primed: Promise<void> | undefined;
  /** Bytes that the ops of the windows before make. */
  #preparedBytes = 0;

  /**
   * @param pages - of the basis, for whoever carries out the windows: residuals that are decoded in their window's turn take basis bytes
   * beside those that its ops copy.
   * @param depth - so many prepared windows are in use at the same time at most.
   * @param keepsBasis - whether windows have `residualBasis`.
   */
  constructor(basis: Source, pages: PagedSource, decoder: WindowDecoder, depth: number, keepsBasis: boolean) {
    this.#keepsBasis = keepsBasis;
    this.#isLate = decodesResidualsLate(decoder);
    this.#basis = basis;
    this.#pages = this.#isLate ? pages : new PagedSource(basis, PAGES_AHEAD);
    this.#decoder = decoder;
    this.#memories = Array.from({ length: depth }, () => new WindowMemory());
  }

  /** Where a window's segment of a stream is decoded to. */
  #rawMemory(memory: WindowMemory, coded: CodedWindow, stream: StreamId): Uint8Array {
    return memory.get(`raw ${stream}`, rawBytesOf(coded, stream), this.#decoder.isElsewhere(stream));
  }

  /** Read the basis bytes of the DIFF ops of a window, one after another; returns where they stand. */
  async #readDiffBasis(window: OpenedWindow, into: Uint8Array, list: SpanList): Promise<ResidualSpans> {
    let at = 0;
    const ops = this.#decoder.opsAhead(window);
    while (ops.next()) {
      if (ops.kind !== OpKind.DIFF) continue;
      list.add(ops.length, ops.basisOffset, this.#preparedBytes + ops.madeBefore);
      if (!this.#pages.tryRead(ops.basisOffset, into, at, ops.length)) {
        await this.#pages.read(ops.basisOffset, into.subarray(at, at + ops.length));
      }
      at += ops.length;
    }
    this.#preparedBytes += window.opBytes;
    return list.spans;
  }

  /** @param before - fulfilled when what windows have in common is this one's to use. */
  async #prepare(
    coded: CodedWindow,
    memory: WindowMemory,
    before: Promise<unknown>,
  ): Promise<PreparedWindow> {
    const opening = this.#decoder.open(coded, this.#rawMemory(memory, coded, StreamId.CONTROL));
    opening.catch(() => {}); // seen below, unless a window before failed
    const decodeData = async (): Promise<void> => {
      this.#primed ??= this.#prime();
      await this.#primed;
      return this.#decoder.decodeSegment(coded, StreamId.DATA, data);
    };
    const data = this.#rawMemory(memory, coded, StreamId.DATA);
    // A thread that has decoded these ops has literals to go on with, however long this one takes to hear of it.
    const dataAtOnce = this.#decoder.isElsewhere(StreamId.CONTROL) ? decodeData() : undefined;
    dataAtOnce?.catch(() => {}); // seen by whoever finishes the window
    await before;
    const window = await opening;
    const residualIsTarget = this.#decoder.residualNeedsBasis;
    const isLate = this.#isLate;
    const residualMemory = isLate ? this.#lateMemory : memory;
    const residual = this.#rawMemory(residualMemory, coded, StreamId.RESIDUAL);
    const residualBasis =
      residualIsTarget && this.#keepsBasis ? residualMemory.get("basis", residual.length, false) : undefined;
    const readBasis = async (): Promise<ResidualSpans | undefined> => {
      if (!residualIsTarget) return undefined;
      const list = residualMemory.spanList(this.#decoder.isElsewhere(StreamId.RESIDUAL));
      const spans = await this.#readDiffBasis(window, residual, list);
      residualBasis?.set(residual);
      return spans;
    };
    const decodeResidual = (spans: ResidualSpans | undefined): Promise<void> =>
      this.#decoder.decodeSegment(coded, StreamId.RESIDUAL, residual, spans);
    const early = isLate ? undefined : decodeResidual(await readBasis());
    // Only now: a thread is at the residual already where this one is held up by literals, and by what primes their decoder most.
    const begun = Promise.all([dataAtOnce ?? decodeData(), early]);
    begun.catch(() => {}); // seen by whoever finishes the window
    let finished: Promise<unknown> | undefined;
    const decodeLate = async (): Promise<void> => {
      await this.#tellThreads();
      return decodeResidual(await readBasis());
    };
    const finish = (): Promise<unknown> => {
      finished ??= isLate ? Promise.all([begun, decodeLate()]) : begun;
      return finished;
    };
    return { ...window, data, residual, residualIsTarget, residualBasis, finish };
  }

  /**
   * Let windows that are being read be told to threads before the calling thread is busy for long: they come by more promises than what they
   * would wait for, and threads stood idle until a residual was decoded.
   */
  async #tellThreads(): Promise<void> {
    if (this.#decoder.isElsewhere(StreamId.DATA)) await nextTurn();
  }

  async #prime(): Promise<void> {
    const { primer } = this.#decoder;
    if (primer.length > 0) await this.#decoder.prime(await readRanges(this.#basis, primer));
  }

  /**
   * The windows of a delta, each as soon as it is begun. Their segments are decoded side by side where the codecs have threads, which are
   * told of a window before they are done with the last: who waits for a window may be too busy to tell them then.
   */
  async *windows(reader: DeltaReader): AsyncGenerator<BegunWindow, void, undefined> {
    // A window's memory is free again when the window behind it by the number of memories is read.
    const memoryFor: SegmentMemory = (stream, bytes) =>
      this.#memories[this.#turn]!.get(`coded ${stream}`, bytes, this.#decoder.isElsewhere(stream));
    let last: Promise<unknown> = Promise.resolve();
    try {
      for await (const coded of reader.windows(memoryFor)) {
        const memory = this.#memories[this.#turn]!;
        this.#turn = (this.#turn + 1) % this.#memories.length;
        const prepared = this.#prepare(coded, memory, last);
        prepared.catch(() => {}); // seen by whoever waits for the window
        last = prepared;
        yield { prepared };
      }
    } finally {
      // Nothing reads the basis any more.
      await Promise.allSettled([last]);
    }
  }
}
