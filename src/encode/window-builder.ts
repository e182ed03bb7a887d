import { ByteWriter } from "../bytes/index.ts";
import { BasisCursor, countOp, encodeOp, type Op, OpKind, StreamId, zeroOpTotals } from "../delta/index.ts";
import type { Hash64 } from "../hash/index.ts";

// Longest form of an op in a control segment: head, distance, byte.
const MAX_OP_BYTES = 20;

/** A target window before its segments are coded. */
export interface RawWindow {
  targetBytes: number;
  checksum: bigint;
  segments: ReadonlyMap<StreamId, Uint8Array>;
  /** The basis byte of each residual byte. */
  diffBasis: Uint8Array;
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
  readonly #bounds: WindowBounds;
  readonly #createHash: () => Hash64;
  readonly #cursor = new BasisCursor();
  /** What all windows so far do. */
  readonly totals = zeroOpTotals();
  #streams = newStreams();
  #hash: Hash64;
  #targetBytes = 0;
  #pending: Op | undefined;

  constructor(bounds: WindowBounds, createHash: () => Hash64) {
    this.#bounds = bounds;
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
    if (this.#streams.control.length + 2 * MAX_OP_BYTES > segmentBytes) return 0;
    if (kind === OpKind.DATA) return Math.min(left, segmentBytes - this.#streams.data.length);
    if (kind === OpKind.DIFF) return Math.min(left, segmentBytes - this.#streams.residual.length);
    return left;
  }

  #addOp(op: Op, target: Uint8Array): void {
    this.#hash.update(target);
    this.#targetBytes += op.length;
    const pending = this.#pending;
    if (pending !== undefined && continues(pending, op)) {
      pending.length += op.length;
      return;
    }
    this.#endOp();
    this.#pending = op;
  }

  #endOp(): void {
    if (this.#pending === undefined) return;
    countOp(this.totals, this.#pending);
    encodeOp(this.#streams.control, this.#pending, this.#cursor);
    this.#pending = undefined;
  }

  /** The basis has these target bytes at `basisOffset`. No more than {@link room} says, as for the others below. */
  addCopy(target: Uint8Array, basisOffset: number): void {
    this.#addOp({ kind: OpKind.COPY, length: target.length, basisOffset, byte: 0 }, target);
  }

  /** The basis has similar bytes, `basis`. */
  addDiff(target: Uint8Array, basisOffset: number, basis: Uint8Array): void {
    const residual = new Uint8Array(target.length);
    for (let i = 0; i < target.length; i++) residual[i] = target[i]! - basis[i]!;
    this.#streams.residual.bytes(residual);
    this.#streams.diffBasis.bytes(basis);
    this.#addOp({ kind: OpKind.DIFF, length: target.length, basisOffset, byte: 0 }, target);
  }

  /** The basis does not have these bytes. */
  addData(target: Uint8Array): void {
    this.#streams.data.bytes(target);
    this.#addOp({ kind: OpKind.DATA, length: target.length, basisOffset: 0, byte: 0 }, target);
  }

  /** These bytes are all equal. */
  addRun(target: Uint8Array): void {
    this.#addOp({ kind: OpKind.RUN, length: target.length, basisOffset: 0, byte: target[0]! }, target);
  }

  /** End the window and begin the next. */
  take(): RawWindow {
    this.#endOp();
    const { control, data, residual, diffBasis } = this.#streams;
    const segments = new Map<StreamId, Uint8Array>();
    if (control.length > 0) segments.set(StreamId.CONTROL, control.view());
    if (data.length > 0) segments.set(StreamId.DATA, data.view());
    if (residual.length > 0) segments.set(StreamId.RESIDUAL, residual.view());
    const window = {
      targetBytes: this.#targetBytes,
      checksum: this.#hash.digest(),
      segments,
      diffBasis: diffBasis.view(),
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
}

function newStreams(): Streams {
  return {
    control: new ByteWriter(),
    data: new ByteWriter(),
    residual: new ByteWriter(),
    diffBasis: new ByteWriter(),
  };
}

function continues(a: Op, b: Op): boolean {
  if (a.kind !== b.kind || a.byte !== b.byte) return false;
  const readsBasis = a.kind === OpKind.COPY || a.kind === OpKind.DIFF;
  return !readsBasis || a.basisOffset + a.length === b.basisOffset;
}
