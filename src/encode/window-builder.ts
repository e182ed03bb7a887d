import { ByteWriter, EMPTY_BYTES } from "../bytes/index.ts";
import type { ResidualSpans } from "../codec/index.ts";
import {
  BasisCursor,
  countOp,
  encodeOp,
  type Op,
  OpKind,
  StreamId,
  shortenChecksum,
  zeroOpTotals,
} from "../delta/index.ts";
import type { Hash64 } from "../hash/index.ts";
import type { PlannedHeader } from "../transform/index.ts";

// Longest form of an op in a control segment: head, distance, time. Of a HEADER: size and three texts as well.
export const MAX_OP_BYTES = 28;
export const MAX_HEADER_OP_BYTES = 48;

/** A target window before its segments are coded. */
export interface RawWindow {
  targetBytes: number;
  checksum: number;
  segments: ReadonlyMap<StreamId, Uint8Array>;
  /** The basis byte of each residual byte. */
  diffBasis: Uint8Array;
  /** Where these bytes stand. */
  spans: ResidualSpans;
}

const NO_OP = { basisOffset: 0, byte: 0, timeShift: 0 };

/** Bounds of a window: see the delta format. */
export interface WindowBounds {
  windowBytes: number;
  segmentBytes: number;
}

/**
 * Gathers ops and their bytes until a bound of the window is reached. Pieces of what is one op are joined; an op that
 * crosses the end of a window becomes two. Bytes that are added stay as they are until {@link settle} or {@link take} is called.
 */
export class WindowBuilder {
  readonly #bounds: WindowBounds;
  readonly #createHash: () => Hash64;
  /** What the only window's bytes are known to hash to. */
  readonly #onlyXxh64: bigint | undefined;
  #windowCount = 0;
  readonly #cursor = new BasisCursor();
  /** What all windows so far do. */
  readonly totals = zeroOpTotals();
  #streams = newStreams();
  #hash: Hash64;
  #targetBytes = 0;
  /** Bytes that all ops so far make. */
  #made = 0;
  /** What was seen last and is not hashed yet: ops of a few bytes follow each other in one buffer, and each hashing costs a call. */
  #unhashed: Uint8Array = EMPTY_BYTES;
  /** Bytes that ops are yet to make of what was counted as the head. */
  #givenBytes = 0;
  #pending: Op | undefined;
  /** While the pending op is a TOUCH: where in the basis the present entry ends and the next header is. */
  #nextHeader = 0;

  /**
   * @param onlyXxh64 - XXH64 of all bytes, where they are sure to fit into one window: then {@link addUnreadCopy} may be called.
   */
  constructor(bounds: WindowBounds, createHash: () => Hash64, onlyXxh64?: bigint) {
    this.#bounds = bounds;
    this.#onlyXxh64 = onlyXxh64;
    this.#createHash = createHash;
    this.#hash = createHash();
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

  #addOp(op: Op, target: Uint8Array | undefined): void {
    this.#see(op.length, target);
    const pending = this.#pending;
    if (pending !== undefined && continues(pending, op)) {
      pending.length += op.length;
      return;
    }
    this.#endOp();
    this.#pending = op;
  }

  #see(length: number, target: Uint8Array | undefined): void {
    this.#made += length;
    const given = Math.min(this.#givenBytes, length);
    this.#givenBytes -= given;
    this.#targetBytes += length - given;
    if (this.#onlyXxh64 !== undefined || given === length) return;
    const unhashed = this.#unhashed;
    const start = target!.byteOffset + given;
    const isNext = unhashed.buffer === target!.buffer && unhashed.byteOffset + unhashed.length === start;
    const from = isNext ? unhashed.byteOffset : start;
    if (!isNext) this.settle();
    this.#unhashed = new Uint8Array(target!.buffer, from, start - from + length - given);
  }

  /** Be done with the bytes that were added: their memory may be used again. */
  settle(): void {
    if (this.#unhashed.length > 0) this.#hash.update(this.#unhashed);
    this.#unhashed = EMPTY_BYTES;
  }

  /**
   * Begin with bytes that are computed.
   *
   * @param givenBytes - how many of the bytes that ops make next they are computed from: those are inside the head.
   */
  addHead(head: Uint8Array, givenBytes: number): void {
    this.#see(head.length, head);
    this.#made = 0;
    this.#givenBytes = givenBytes;
  }

  #endOp(): void {
    if (this.#pending === undefined) return;
    countOp(this.totals, this.#pending);
    encodeOp(this.#streams.control, this.#pending, this.#cursor);
    this.#pending = undefined;
  }

  /** The basis has these target bytes at `basisOffset`. No more than {@link room} says, as for the others below. */
  addCopy(target: Uint8Array, basisOffset: number): void {
    this.#addCopy(target.length, basisOffset, target);
  }

  /** The same of bytes that nobody has read, where the checksum is known without them. */
  addUnreadCopy(length: number, basisOffset: number): void {
    this.#addCopy(length, basisOffset, undefined);
  }

  #addCopy(length: number, basisOffset: number, target: Uint8Array | undefined): void {
    const touched = this.#touchedBytes(basisOffset, length);
    if (touched > 0) {
      this.#pending!.length += touched;
      this.#see(touched, target?.subarray(0, touched));
    }
    if (touched === length) return;
    this.#addOp(
      { ...NO_OP, kind: OpKind.COPY, length: length - touched, basisOffset: basisOffset + touched },
      target?.subarray(touched),
    );
  }

  /** How many bytes from `basisOffset` are content of the entry that a pending TOUCH is in. */
  #touchedBytes(basisOffset: number, length: number): number {
    const pending = this.#pending;
    if (pending?.kind !== OpKind.TOUCH || pending.basisOffset + pending.length !== basisOffset) return 0;
    return Math.min(length, this.#nextHeader - basisOffset);
  }

  /**
   * The basis has this tar header but for its time.
   *
   * @param contentBytes - how many bytes of content and padding the header announces.
   */
  addTouchedHeader(header: Uint8Array, basisOffset: number, timeShift: number, contentBytes: number): void {
    const pending = this.#pending;
    if (
      pending?.kind === OpKind.TOUCH &&
      pending.timeShift === timeShift &&
      pending.basisOffset + pending.length === basisOffset &&
      this.#nextHeader === basisOffset
    ) {
      pending.length += header.length;
      this.#see(header.length, header);
    } else {
      this.#addOp({ ...NO_OP, kind: OpKind.TOUCH, length: header.length, basisOffset, timeShift }, header);
    }
    this.#nextHeader = basisOffset + header.length + contentBytes;
  }

  /** The basis has a tar header that this one is planned from; the window has room for what that inserts. */
  addHeader(header: Uint8Array, basisOffset: number, plan: PlannedHeader): void {
    this.#endOp();
    this.#streams.data.bytes(plan.inserted);
    const { sizeDelta, splices } = plan;
    // Files of one build often have one time, whatever times their predecessors had.
    const isShifted =
      Math.abs(plan.timeShift - this.#cursor.timeShift) <= Math.abs(plan.time - this.#cursor.time);
    const time = isShifted ? undefined : plan.time;
    const timeShift = isShifted ? plan.timeShift : 0;
    this.#addOp(
      {
        ...NO_OP,
        kind: OpKind.HEADER,
        length: header.length,
        basisOffset,
        timeShift,
        header: { sizeDelta, time, splices },
      },
      header,
    );
    this.#endOp();
  }

  /** The basis has similar bytes, `basis`. */
  addDiff(target: Uint8Array, basisOffset: number, basis: Uint8Array): void {
    const residual = this.#streams.residual.extend(target.length);
    for (let i = 0; i < residual.length; i++) residual[i] = target[i]! - basis[i]!;
    this.#streams.diffBasis.bytes(basis);
    this.#streams.spans.push(target.length, basisOffset, this.#made);
    this.#addOp({ ...NO_OP, kind: OpKind.DIFF, length: target.length, basisOffset }, target);
  }

  /** The basis does not have these bytes. */
  addData(target: Uint8Array): void {
    this.#streams.data.bytes(target);
    this.#addOp({ ...NO_OP, kind: OpKind.DATA, length: target.length }, target);
  }

  /** These bytes are all equal. */
  addRun(target: Uint8Array): void {
    this.#addOp({ ...NO_OP, kind: OpKind.RUN, length: target.length, byte: target[0]! }, target);
  }

  /** End the window and begin the next. */
  take(): RawWindow {
    this.#endOp();
    this.settle();
    this.#windowCount++;
    if (this.#onlyXxh64 !== undefined && this.#windowCount > 1) {
      throw new Error("expected what was said to fit into one window to fit into one");
    }
    const { control, data, residual, diffBasis, spans } = this.#streams;
    const segments = new Map<StreamId, Uint8Array>();
    if (control.length > 0) segments.set(StreamId.CONTROL, control.view());
    if (data.length > 0) segments.set(StreamId.DATA, data.view());
    if (residual.length > 0) segments.set(StreamId.RESIDUAL, residual.view());
    const window = {
      targetBytes: this.#targetBytes,
      checksum: shortenChecksum(this.#onlyXxh64 ?? this.#hash.digest()),
      segments,
      diffBasis: diffBasis.view(),
      spans: Uint32Array.from(spans),
    };
    this.#streams = newStreams();
    this.#hash = this.#createHash();
    this.#targetBytes = 0;
    return window;
  }
}

interface Streams {
  control: ByteWriter;
  data: ByteWriter;
  residual: ByteWriter;
  diffBasis: ByteWriter;
  spans: number[];
}

function newStreams(): Streams {
  return {
    control: new ByteWriter(),
    data: new ByteWriter(),
    residual: new ByteWriter(),
    diffBasis: new ByteWriter(),
    spans: [],
  };
}

function continues(a: Op, b: Op): boolean {
  if (a.kind !== b.kind || a.byte !== b.byte || a.kind === OpKind.TOUCH) return false;
  const readsBasis = a.kind === OpKind.COPY || a.kind === OpKind.DIFF;
  return !readsBasis || a.basisOffset + a.length === b.basisOffset;
}
