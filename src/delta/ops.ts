import { ByteReader, type ByteWriter } from "../bytes/index.ts";
import { ErrorCode, UnsupportedError } from "../errors.ts";
import { OP_KIND_COUNT, OpKind } from "./format.ts";

/**
 * One instruction. It makes `length` bytes of target, at least one:
 *
 * - COPY: the bytes of the basis from `basisOffset`;
 * - DIFF: the same, each plus the next byte of the residual stream, modulo 256;
 * - DATA: the next bytes of the data stream;
 * - RUN: `byte`, repeated.
 */
export type Op =
  | { kind: typeof OpKind.COPY; length: number; basisOffset: number }
  | { kind: typeof OpKind.DIFF; length: number; basisOffset: number }
  | { kind: typeof OpKind.DATA; length: number }
  | { kind: typeof OpKind.RUN; length: number; byte: number };

/**
 * Where the next COPY or DIFF would start if the target went on in step with the basis. Offsets are coded as distances
 * from there: after bytes that were replaced by as many others the distance is 0.
 */
export class BasisCursor {
  #next = 0;

  /** Move on by the target bytes of an op that does not read the basis. */
  advance(length: number): void {
    this.#next += length;
  }

  /** Move behind a range of the basis that was read. */
  moveTo(basisEnd: number): void {
    this.#next = basisEnd;
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
  out.varint(op.length * OP_KIND_COUNT + op.kind);
  switch (op.kind) {
    case OpKind.COPY:
    case OpKind.DIFF:
      out.signedVarint(cursor.distanceTo(op.basisOffset));
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
}

/** No ops. */
export function zeroOpTotals(): OpTotals {
  return { opCount: 0, copiedBytes: 0, diffBytes: 0, literalBytes: 0, runBytes: 0 };
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

/**
 * The ops of a window's control segment, checked: every range is inside the basis, every op makes at least one byte, and
 * together they make the window and use its segments up, no more and no less.
 *
 * @throws {@link FormatError} `CORRUPT_BODY`; {@link UnsupportedError} `UNSUPPORTED_FEATURE` for a reserved kind of op.
 */
export function* decodeOps(
  control: Uint8Array,
  bounds: OpBounds,
  cursor: BasisCursor,
): Generator<Op, void, undefined> {
  const reader = new ByteReader(control, { what: "delta control segment" });
  let made = 0;
  let dataUsed = 0;
  let residualUsed = 0;
  while (reader.remaining > 0) {
    const head = reader.varint();
    const kind = head % OP_KIND_COUNT;
    const length = (head - kind) / OP_KIND_COUNT;
    if (length === 0) throw reader.corrupt("an op of length 0");
    made += length;
    if (made > bounds.windowBytes)
      throw reader.corrupt(`the ops make more than the window's ${bounds.windowBytes} bytes`);
    switch (kind) {
      case OpKind.COPY:
      case OpKind.DIFF: {
        const basisOffset = cursor.offsetAt(reader.signedVarint());
        if (basisOffset < 0 || basisOffset > bounds.basisBytes - length) {
          throw reader.corrupt(
            `an op reads ${length} bytes at ${basisOffset} of a basis of ${bounds.basisBytes}`,
          );
        }
        if (kind === OpKind.DIFF) residualUsed += length;
        cursor.moveTo(basisOffset + length);
        yield { kind, length, basisOffset };
        break;
      }
      case OpKind.DATA:
        dataUsed += length;
        cursor.advance(length);
        yield { kind, length };
        break;
      case OpKind.RUN:
        cursor.advance(length);
        yield { kind, length, byte: reader.u8() };
        break;
      default:
        throw new UnsupportedError(
          ErrorCode.UNSUPPORTED_FEATURE,
          `the delta has an op of kind ${kind}, which this version does not know; update flatdelta`,
        );
    }
    if (dataUsed > bounds.literalBytes || residualUsed > bounds.residualBytes) {
      throw reader.corrupt("the ops use more bytes than the window's segments hold");
    }
  }
  if (
    made !== bounds.windowBytes ||
    dataUsed !== bounds.literalBytes ||
    residualUsed !== bounds.residualBytes
  ) {
    throw reader.corrupt(
      `the ops make ${made} of ${bounds.windowBytes} bytes and use ${dataUsed} of ${bounds.literalBytes} data and ${residualUsed} of ${bounds.residualBytes} residual bytes`,
    );
  }
}
