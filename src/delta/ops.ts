import { ByteReader, type ByteWriter } from "../bytes/index.ts";
import { ErrorCode, UnsupportedError } from "../errors.ts";
import { HEADER_BYTES, OP_KIND_COUNT, OpKind, StreamId } from "./format.ts";
import {
  decodeHeaderChange,
  encodeHeaderChange,
  type HeaderChange,
  headerFlags,
  insertedBytes,
} from "./header-change.ts";

/**
 * One instruction. It makes `length` bytes of target, at least one:
 *
 * - COPY: the bytes of the basis from `basisOffset`;
 * - DIFF: the same, each plus the next byte of the residual stream, modulo 256;
 * - DATA: the next bytes of the data stream;
 * - RUN: `byte`, repeated;
 * - TOUCH: entries of a tar from `basisOffset`, their modification times moved by `timeShift` seconds;
 * - HEADER: the tar header at `basisOffset` with another size, time or name; `length` is 512.
 */
export interface Op {
  kind: OpKind;
  length: number;
  /** Of COPY, DIFF, TOUCH and HEADER; else 0. */
  basisOffset: number;
  /** Of RUN; else 0. */
  byte: number;
  /** Of TOUCH, and of HEADER where that does not name a time, in seconds; else 0. */
  timeShift: number;
  /** Of HEADER. */
  header?: HeaderChange | undefined;
}

/**
 * Where the next op that reads the basis would start if the target went on in step with the basis. Offsets are coded as distances
 * from there: after bytes that were replaced by as many others the distance is 0.
 */
export class BasisCursor {
  #next = 0;
  /** The time shift of the last TOUCH or HEADER: that of the next is coded as the difference. */
  timeShift = 0;
  /** The time that the last HEADER named which names one: likewise. */
  time = 0;

  /** Move on by the target bytes of an op that does not read the basis. */
  advance(length: number): void {
    this.#next += length;
  }

  /** Move behind a range of the basis that was read. */
  moveTo(basisEnd: number): void {
    this.#next = basisEnd;
  }

  /** Where a distance of 0 leads. */
  get next(): number {
    return this.#next;
  }

  distanceTo(basisOffset: number): number {
    return basisOffset - this.#next;
  }

  offsetAt(distance: number): number {
    return this.#next + distance;
  }
}

/** Append an op to a control segment. */
export function encodeOp(out: ByteWriter, op: Op, cursor: BasisCursor): void {
  // All headers have one length; the flags, and one so that it is never 0, take its place.
  const first = op.header === undefined ? op.length : headerFlags(op.header, op.timeShift, cursor) + 1;
  out.varint(first * OP_KIND_COUNT + op.kind);
  switch (op.kind) {
    case OpKind.COPY:
    case OpKind.DIFF:
      out.signedVarint(cursor.distanceTo(op.basisOffset));
      cursor.moveTo(op.basisOffset + op.length);
      break;
    case OpKind.TOUCH:
      out.signedVarint(cursor.distanceTo(op.basisOffset));
      out.signedVarint(op.timeShift - cursor.timeShift);
      cursor.timeShift = op.timeShift;
      cursor.moveTo(op.basisOffset + op.length);
      break;
    case OpKind.HEADER:
      out.signedVarint(cursor.distanceTo(op.basisOffset));
      encodeHeaderChange(out, op.header!, op.timeShift, cursor);
      cursor.moveTo(op.basisOffset + op.length);
      break;
    case OpKind.RUN:
      out.u8(op.byte);
      cursor.advance(op.length);
      break;
    case OpKind.DATA:
      cursor.advance(op.length);
  }
}

/** Totals of what the ops of a window, or of a delta, do. */
export interface OpTotals {
  opCount: number;
  copiedBytes: number;
  diffBytes: number;
  literalBytes: number;
  runBytes: number;
  /** Bytes of tar entries that were copied with other times. */
  touchedBytes: number;
  /** Bytes of tar headers that were made from others. */
  headerBytes: number;
}

/** No ops. */
export function zeroOpTotals(): OpTotals {
  return {
    opCount: 0,
    copiedBytes: 0,
    diffBytes: 0,
    literalBytes: 0,
    runBytes: 0,
    touchedBytes: 0,
    headerBytes: 0,
  };
}

/** Count an op. */
export function countOp(totals: OpTotals, op: Op): void {
  totals.opCount++;
  switch (op.kind) {
    case OpKind.COPY:
      totals.copiedBytes += op.length;
      break;
    case OpKind.DIFF:
      totals.diffBytes += op.length;
      break;
    case OpKind.DATA:
      totals.literalBytes += op.length;
      break;
    case OpKind.RUN:
      totals.runBytes += op.length;
      break;
    case OpKind.TOUCH:
      totals.touchedBytes += op.length;
      break;
    case OpKind.HEADER:
      totals.headerBytes += op.length;
  }
}

/** What the ops of one window may do. */
export interface OpBounds {
  basisBytes: number;
  /** What they must make together. */
  windowBytes: number;
  /** Bytes that the window's DATA and RESIDUAL segments decode to; the ops must use all of them. */
  literalBytes: number;
  residualBytes: number;
}

/** How far the ops of a window are read. */
export interface OpPlace {
  /** Bytes of the control segment that they take. */
  controlBytes: number;
  /** Bytes that they make. */
  madeBytes: number;
  /** Bytes that they use of the window's literals and residuals. */
  literalBytes: number;
  residualBytes: number;
  /** Where a distance of 0 leads. */
  basisOffset: number;
}

/**
 * Walks through the ops of a window's control segment and checks them: every range is inside the basis, every op makes at
 * least one byte, and together they make the window and use its segments up, no more and no less.
 *
 * The reader itself is the present op, after each `next()`: a delta can have a million, and as many objects would cost
 * more memory than all its buffers.
 */
export class OpReader implements Op {
  kind: OpKind = OpKind.COPY;
  length = 0;
  basisOffset = 0;
  byte = 0;
  timeShift = 0;
  header: HeaderChange | undefined;
  readonly control: Uint8Array;
  readonly bounds: OpBounds;
  readonly #reader: ByteReader;
  readonly #cursor: BasisCursor;
  #made = 0;
  #literalUsed = 0;
  #residualUsed = 0;

  /** @param cursor - kept from window to window. */
  constructor(control: Uint8Array, bounds: OpBounds, cursor: BasisCursor) {
    this.control = control;
    this.bounds = bounds;
    this.#reader = new ByteReader(control, { what: "delta control segment" });
    this.#cursor = cursor;
  }

  /** Bytes of one of the window's segments that the ops so far have used, the present one included. */
  usedOf(stream: StreamId): number {
    if (stream === StreamId.CONTROL) return this.#reader.position;
    return stream === StreamId.DATA ? this.#literalUsed : this.#residualUsed;
  }

  /** Bytes that the ops before the present one make. */
  get madeBefore(): number {
    return this.#made - this.length;
  }

  /** How far the ops are read, the present one included. */
  get place(): OpPlace {
    return {
      controlBytes: this.#reader.position,
      madeBytes: this.#made,
      literalBytes: this.#literalUsed,
      residualBytes: this.#residualUsed,
      basisOffset: this.#cursor.next,
    };
  }

  /** Go on behind ops that were read, checked and carried out elsewhere. */
  moveTo(place: OpPlace): void {
    this.#reader.moveTo(place.controlBytes);
    this.#made = place.madeBytes;
    this.#literalUsed = place.literalBytes;
    this.#residualUsed = place.residualBytes;
    this.#cursor.moveTo(place.basisOffset);
  }

  /**
   * Go to the next op.
   *
   * @returns false when there is none, and all adds up.
   * @throws {@link FormatError} `CORRUPT_BODY`; {@link UnsupportedError} `UNSUPPORTED_FEATURE` for a reserved kind of op.
   */
  next(): boolean {
    const reader = this.#reader;
    if (reader.remaining === 0) {
      this.#checkEnd();
      return false;
    }
    const head = reader.varint();
    const kind = head % OP_KIND_COUNT;
    const first = (head - kind) / OP_KIND_COUNT;
    if (first === 0) throw reader.corrupt("an op of length 0");
    const length = kind === OpKind.HEADER ? HEADER_BYTES : first;
    this.#made += length;
    this.length = length;
    this.basisOffset = 0;
    this.byte = 0;
    this.timeShift = 0;
    this.header = undefined;
    switch (kind) {
      case OpKind.COPY:
      case OpKind.DIFF:
        this.#readBasisOffset(length);
        if (kind === OpKind.DIFF) this.#residualUsed += length;
        break;
      case OpKind.TOUCH:
        this.#readBasisOffset(length);
        this.timeShift = this.#cursor.timeShift + reader.signedVarint();
        this.#cursor.timeShift = this.timeShift;
        break;
      case OpKind.HEADER:
        this.#readBasisOffset(length);
        this.header = decodeHeaderChange(reader, first - 1, this.#cursor);
        if (this.header.time === undefined) this.timeShift = this.#cursor.timeShift;
        this.#literalUsed += insertedBytes(this.header);
        break;
      case OpKind.DATA:
        this.#literalUsed += length;
        this.#cursor.advance(length);
        break;
      case OpKind.RUN:
        this.byte = reader.u8();
        this.#cursor.advance(length);
        break;
      default:
        throw new UnsupportedError(
          ErrorCode.UNSUPPORTED_FEATURE,
          `the delta has an op of kind ${kind}, which this version does not know; update flatdelta`,
        );
    }
    this.kind = kind;
    const { windowBytes, literalBytes, residualBytes } = this.bounds;
    if (this.#made > windowBytes || this.#literalUsed > literalBytes || this.#residualUsed > residualBytes) {
      throw reader.corrupt("the ops make more bytes than the window has, or use more than its segments hold");
    }
    return true;
  }

  #readBasisOffset(length: number): void {
    const { basisBytes } = this.bounds;
    const basisOffset = this.#cursor.offsetAt(this.#reader.signedVarint());
    if (basisOffset < 0 || basisOffset > basisBytes - length) {
      throw this.#reader.corrupt(`an op reads ${length} bytes at ${basisOffset} of a basis of ${basisBytes}`);
    }
    this.#cursor.moveTo(basisOffset + length);
    this.basisOffset = basisOffset;
  }

  #checkEnd(): void {
    const { windowBytes, literalBytes, residualBytes } = this.bounds;
    if (
      this.#made !== windowBytes ||
      this.#literalUsed !== literalBytes ||
      this.#residualUsed !== residualBytes
    ) {
      throw this.#reader.corrupt(
        `the ops make ${this.#made} of ${windowBytes} bytes and use ${this.#literalUsed} of ${literalBytes} literal and ${this.#residualUsed} of ${residualBytes} residual bytes`,
      );
    }
  }
}
