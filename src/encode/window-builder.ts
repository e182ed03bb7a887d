import { ByteWriter } from "../bytes/index.ts";
import type { ResidualSpans } from "../codec/index.ts";
import { BasisCursor, countOp, encodeOp, type Op, OpKind, StreamId, zeroOpTotals } from "../delta/index.ts";
import type { HashCore } from "../hash/index.ts";
import { type PlannedHeader, TAR_BLOCK_BYTES } from "../transform/index.ts";

// Longest form of an op in a control segment: head, distance, time. Of a HEADER: size and three texts as well.
export const MAX_OP_BYTES = 28;
export const MAX_HEADER_OP_BYTES = 48;

const MIN_WRITER_BYTES = 256;

/** A target window before its segments are coded. */
export interface RawWindow {
  /** Where in the target it begins. */
  targetOffset: number;
  targetBytes: number;
  segments: ReadonlyMap<StreamId, Uint8Array>;
  /** The basis byte of each residual byte, if they were asked for. */
  diffBasis: Uint8Array;
  /** Where these bytes stand, likewise. */
  spans: ResidualSpans;
  /** Give the memory of the segments back: to be called once they are coded. */
  release(): void;
}

/** Bounds of a window: see the delta format. */
export interface WindowBounds {
  windowBytes: number;
  segmentBytes: number;
}

/**
 * Gathers ops and their bytes until a bound of the window is reached. Pieces of what is one op are joined; an op that
 * crosses the end of a window becomes two.
 */
export class WindowBuilder {
  readonly #core: HashCore;
  readonly #bounds: WindowBounds;
  readonly #cursor = new BasisCursor();
  /** What all windows so far do. */
  readonly totals = zeroOpTotals();
  readonly #keepsBasis: boolean;
  readonly #expectedBytes: Readonly<Record<StreamId, number>>;
  #streams: Streams;
  /** Memory that was given back. */
  readonly #spare: Streams[] = [];
  #targetOffset = 0;
  #targetBytes = 0;
  /** Bytes that all ops so far make. */
  #made = 0;
  /** Bytes that ops are yet to make of what was counted as the head. */
  #givenBytes = 0;
  /** The op that is gathered; none while its length is 0. One object for all, since there are millions. */
  readonly #pending: Op = {
    kind: OpKind.COPY,
    length: 0,
    basisOffset: 0,
    byte: 0,
    timeShift: 0,
    header: undefined,
  };
  /** While the pending op is a TOUCH: where in the basis the present entry ends and the next header is. */
  #nextHeader = 0;

  /**
   * @param keepsBasis - whether the basis bytes of residuals are needed for coding these.
   * @param expectedBytes - about how many bytes each stream will have.
   */
  constructor(
    core: HashCore,
    bounds: WindowBounds,
    keepsBasis: boolean,
    expectedBytes: Readonly<Record<StreamId, number>>,
  ) {
    this.#core = core;
    this.#bounds = bounds;
    this.#keepsBasis = keepsBasis;
    this.#expectedBytes = expectedBytes;
    this.#streams = this.#newStreams();
  }

  /** Where {@link addDiff} finds the bytes of target (left) and basis. */
  get inputs(): HashCore["inputs"] {
    return this.#core.inputs;
  }

  /** Whether the window holds no bytes yet. */
  get isEmpty(): boolean {
    return this.#targetBytes === 0;
  }

  /** How many more bytes of an op of this kind the window takes; 0 when it must be taken first. */
  room(kind: OpKind): number {
    const { windowBytes, segmentBytes } = this.#bounds;
    const left = windowBytes - this.#targetBytes;
    const opBytes = kind === OpKind.HEADER ? MAX_HEADER_OP_BYTES : MAX_OP_BYTES;
    // Behind the pending op, which is never a HEADER.
    if (this.#streams.control.length + MAX_OP_BYTES + opBytes > segmentBytes) return 0;
    if (kind === OpKind.DATA) return Math.min(left, segmentBytes - this.#streams.data.length);
    if (kind === OpKind.DIFF) return Math.min(left, segmentBytes - this.#streams.residual.length);
    return left;
  }

  /** Begin an op, or make the pending one longer where it goes on like that. */
  #addOp(kind: OpKind, length: number, basisOffset = 0, byte = 0): void {
    const pending = this.#pending;
    if (pending.length > 0 && continues(pending, kind, basisOffset, byte)) {
      this.#count(length);
      pending.length += length;
    } else this.#beginOp(kind, length, basisOffset, byte, 0);
  }

  #beginOp(kind: OpKind, length: number, basisOffset: number, byte: number, timeShift: number): void {
    this.#endOp();
    this.#count(length);
    const pending = this.#pending;
    pending.kind = kind;
    pending.length = length;
    pending.basisOffset = basisOffset;
    pending.byte = byte;
    pending.timeShift = timeShift;
  }

  #count(length: number): void {
    this.#made += length;
    const given = Math.min(this.#givenBytes, length);
    this.#givenBytes -= given;
    this.#targetBytes += length - given;
  }

  /**
   * Begin with bytes that are computed.
   *
   * @param givenBytes - how many of the bytes that ops make next they are computed from: those are inside the head.
   */
  addHead(headBytes: number, givenBytes: number): void {
    this.#count(headBytes);
    this.#made = 0;
    this.#givenBytes = givenBytes;
  }

  #endOp(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    countOp(this.totals, pending);
    encodeOp(this.#streams.control, pending, this.#cursor);
    pending.length = 0;
    pending.header = undefined;
  }

  /** The basis has the next bytes of the target at `basisOffset`. No more than {@link room} says, as for the others below. */
  addCopy(length: number, basisOffset: number): void {
    const touched = this.#touchedBytes(basisOffset, length);
    if (touched > 0) {
      this.#pending.length += touched;
      this.#count(touched);
    }
    if (touched < length) this.#addOp(OpKind.COPY, length - touched, basisOffset + touched);
  }

  /** How many bytes from `basisOffset` are content of the entry that a pending TOUCH is in. */
  #touchedBytes(basisOffset: number, length: number): number {
    if (!this.#touchesUpTo(basisOffset)) return 0;
    return Math.min(length, this.#nextHeader - basisOffset);
  }

  /** Whether a TOUCH is pending that ends at this place of the basis. */
  #touchesUpTo(basisOffset: number): boolean {
    const { kind, length, basisOffset: start } = this.#pending;
    return length > 0 && kind === OpKind.TOUCH && start + length === basisOffset;
  }

  /**
   * The basis has the next tar header but for its time.
   *
   * @param contentBytes - how many bytes of content and padding the header announces.
   */
  addTouchedHeader(basisOffset: number, timeShift: number, contentBytes: number): void {
    const length = TAR_BLOCK_BYTES;
    const pending = this.#pending;
    if (
      this.#touchesUpTo(basisOffset) &&
      pending.timeShift === timeShift &&
      this.#nextHeader === basisOffset
    ) {
      pending.length += length;
      this.#count(length);
    } else this.#beginOp(OpKind.TOUCH, length, basisOffset, 0, timeShift);
    this.#nextHeader = basisOffset + length + contentBytes;
  }

  /** The basis has a tar header that the next one is planned from; the window has room for what that inserts. */
  addHeader(basisOffset: number, plan: PlannedHeader): void {
    this.#endOp();
    this.#streams.data.bytes(plan.inserted);
    const { sizeDelta, splices } = plan;
    // Files of one build often have one time, whatever times their predecessors had.
    const isShifted =
      Math.abs(plan.timeShift - this.#cursor.timeShift) <= Math.abs(plan.time - this.#cursor.time);
    const time = isShifted ? undefined : plan.time;
    const timeShift = isShifted ? plan.timeShift : 0;
    this.#beginOp(OpKind.HEADER, TAR_BLOCK_BYTES, basisOffset, 0, timeShift);
    this.#pending.header = { sizeDelta, time, splices };
    this.#endOp();
  }

  /** The basis has similar bytes: the first of the {@link inputs}, of which those of the target are lost. */
  addDiff(length: number, basisOffset: number): void {
    const { residual, diffBasis, spans } = this.#streams;
    const { left, right } = this.inputs;
    this.#core.subtractInputs(length);
    residual.copy(left, 0, length);
    if (this.#keepsBasis) {
      diffBasis.copy(right, 0, length);
      spans.push(length, basisOffset, this.#made);
    }
    this.#addOp(OpKind.DIFF, length, basisOffset);
  }

  /** The basis does not have these bytes. */
  addData(target: Uint8Array): void {
    this.#streams.data.bytes(target);
    this.#addOp(OpKind.DATA, target.length);
  }

  /** These bytes are all equal. */
  addRun(target: Uint8Array): void {
    this.#addOp(OpKind.RUN, target.length, 0, target[0]!);
  }

  /** End the window and begin the next. */
  take(): RawWindow {
    this.#endOp();
    const streams = this.#streams;
    const { control, data, residual, diffBasis, spans } = streams;
    const segments = new Map<StreamId, Uint8Array>();
    if (control.length > 0) segments.set(StreamId.CONTROL, control.view());
    if (data.length > 0) segments.set(StreamId.DATA, data.view());
    if (residual.length > 0) segments.set(StreamId.RESIDUAL, residual.view());
    const window = {
      targetOffset: this.#targetOffset,
      targetBytes: this.#targetBytes,
      segments,
      diffBasis: diffBasis.view(),
      spans: Uint32Array.from(spans),
      release: () => this.#release(streams),
    };
    this.#streams = this.#spare.pop() ?? this.#newStreams();
    this.#targetOffset += this.#targetBytes;
    this.#targetBytes = 0;
    return window;
  }

  #newStreams(): Streams {
    const { segmentBytes } = this.#bounds;
    const expected = this.#expectedBytes;
    // As many windows as the largest stream fills. Twice as much as each will have then: growing copies what is there, and memory that
    // stays empty is cleared.
    const windows = Math.max(1, Math.ceil(Math.max(...Object.values(expected)) / segmentBytes));
    const writer = (stream: StreamId): ByteWriter =>
      new ByteWriter(Math.min(segmentBytes, MIN_WRITER_BYTES + Math.ceil((2 * expected[stream]) / windows)));
    return {
      control: writer(StreamId.CONTROL),
      data: writer(StreamId.DATA),
      residual: writer(StreamId.RESIDUAL),
      diffBasis: this.#keepsBasis ? writer(StreamId.RESIDUAL) : new ByteWriter(),
      spans: [],
    };
  }

  #release(streams: Streams): void {
    const { control, data, residual, diffBasis } = streams;
    for (const writer of [control, data, residual, diffBasis]) writer.clear();
    streams.spans = [];
    this.#spare.push(streams);
  }
}

/** New memory for half a megabyte takes longer than filling it: each page of it is cleared and mapped. */
interface Streams {
  control: ByteWriter;
  data: ByteWriter;
  residual: ByteWriter;
  diffBasis: ByteWriter;
  spans: number[];
}

function continues(op: Op, kind: OpKind, basisOffset: number, byte: number): boolean {
  if (op.kind !== kind || op.byte !== byte) return false;
  const readsBasis = kind === OpKind.COPY || kind === OpKind.DIFF;
  return !readsBasis || op.basisOffset + op.length === basisOffset;
}
