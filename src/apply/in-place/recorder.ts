import { ByteWriter, EMPTY_BYTES } from "../../bytes/index.ts";
import {
  BasisCursor,
  type DeltaHeader,
  encodeOp,
  givenConfigBytes,
  insertedBytes,
  type Op,
  OpKind,
  type OpReader,
} from "../../delta/index.ts";
import { ErrorCode, FormatError, UnsupportedError } from "../../errors.ts";
import { PagedSource, type Source } from "../../io/index.ts";
import { type InPlaceReads, shiftHeaderTime, TAR_BLOCK_BYTES } from "../../transform/index.ts";
import type { PreparedWindow } from "../prepare.ts";
import { pieceBytesOf, type SpoolWriter, type StepPiece } from "./spool.ts";

const NO_OP = { basisOffset: 0, byte: 0, timeShift: 0 };

/** What the ops of a piece of a step need, as it will stand in the spool. */
class PieceParts {
  readonly control = new ByteWriter();
  readonly data = new ByteWriter();
  readonly residual = new ByteWriter();
  cursor = new BasisCursor();
  targetBytes = 0;

  /** Bytes of it so far. */
  get size(): number {
    return this.control.length + this.data.length + this.residual.length;
  }

  piece(): StepPiece {
    const [control, data, residual] = [this.control.view(), this.data.view(), this.residual.view()];
    return { control, data, residual, targetBytes: this.targetBytes };
  }

  clear(): void {
    for (const part of [this.control, this.data, this.residual]) part.clear();
    this.cursor = new BasisCursor();
    this.targetBytes = 0;
  }
}

/** Cuts what the windows of a delta do into steps, each of which can be carried out alone. */
export class StepRecorder {
  readonly #header: DeltaHeader;
  readonly #spool: SpoolWriter;
  readonly #reads: InPlaceReads;
  readonly #basis: PagedSource;
  readonly #pieceBytes: number;
  #parts = new PieceParts();
  /** Those of the piece before, which the spool is still busy with. */
  #other = new PieceParts();
  /** Where in the target the next bytes go. */
  #position = 0;
  /** Bytes that ops are yet to make of the config in a flat image's head: the head is taken as it was computed. */
  #configBytes: number;
  #data = EMPTY_BYTES;
  #dataAt = 0;
  #window: PreparedWindow | undefined;
  #residualAt = 0;

  constructor(header: DeltaHeader, basis: Source, spool: SpoolWriter, reads: InPlaceReads) {
    this.#header = header;
    this.#basis = new PagedSource(basis);
    this.#spool = spool;
    this.#reads = reads;
    this.#pieceBytes = pieceBytesOf(reads.layout.stepBytes);
    this.#configBytes = header.envelope === undefined ? 0 : givenConfigBytes(header.envelope);
  }

  /** How many bytes of an op of `length` bytes go into the present step. */
  #room(length: number): number {
    const { stepBytes } = this.#reads.layout;
    return Math.min(length, stepBytes - (this.#position % stepBytes));
  }

  /** The same of an op whose bytes go into the spool: into the present piece, which ends behind them if it is full. */
  #literalRoom(length: number): number {
    return Math.min(this.#room(length), Math.max(1, this.#pieceBytes - this.#parts.size));
  }

  async #advance(length: number): Promise<void> {
    this.#position += length;
    this.#parts.targetBytes += length;
    const { stepBytes, targetBytes } = this.#reads.layout;
    const endsStep = this.#position % stepBytes === 0 || this.#position === targetBytes;
    if (!endsStep && this.#parts.size < this.#pieceBytes) return;
    await this.#spool.add(this.#parts.piece(), endsStep);
    [this.#parts, this.#other] = [this.#other, this.#parts];
    this.#parts.clear();
  }

  #encode(op: Op): void {
    encodeOp(this.#parts.control, op, this.#parts.cursor);
  }

  /** Record target bytes that the step finds in the spool itself. */
  async #putData(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const length = this.#literalRoom(bytes.length - at);
      this.#encode({ ...NO_OP, kind: OpKind.DATA, length });
      this.#parts.data.bytes(bytes.subarray(at, at + length));
      at += length;
      await this.#advance(length);
    }
  }

  async #addCopy(basisOffset: number, length: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const piece = this.#room(length - done);
      this.#reads.add(this.#position, basisOffset + done, piece, true);
      this.#encode({ ...NO_OP, kind: OpKind.COPY, length: piece, basisOffset: basisOffset + done });
      done += piece;
      await this.#advance(piece);
    }
  }

  async #addDiff(basisOffset: number, length: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const piece = this.#literalRoom(length - done);
      this.#reads.add(this.#position, basisOffset + done, piece, false);
      this.#encode({ ...NO_OP, kind: OpKind.DIFF, length: piece, basisOffset: basisOffset + done });
      this.#putResidual(piece);
      done += piece;
      await this.#advance(piece);
    }
  }

  /** Record the next residual bytes: where sums are at hand, by subtracting the basis bytes again. */
  #putResidual(length: number): void {
    const { residual, residualBasis } = this.#window!;
    const from = this.#residualAt;
    this.#residualAt += length;
    if (residualBasis === undefined) {
      this.#parts.residual.bytes(residual.subarray(from, from + length));
      return;
    }
    const into = this.#parts.residual.extend(length);
    for (let i = 0; i < length; i++) into[i] = residual[from + i]! - residualBasis[from + i]!;
  }

  async #addRun(byte: number, length: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const piece = this.#room(length - done);
      this.#encode({ ...NO_OP, kind: OpKind.RUN, length: piece, byte });
      done += piece;
      await this.#advance(piece);
    }
  }

  /** Record an op that makes a tar header, which never lies in two steps: both begin at multiples of 512. */
  async #addHeader(op: Op, inserted: Uint8Array): Promise<void> {
    if (this.#room(TAR_BLOCK_BYTES) < TAR_BLOCK_BYTES) {
      throw new UnsupportedError(
        ErrorCode.UNSUPPORTED_FEATURE,
        "the delta makes a tar header that lies in two steps of an in-place update; apply it as a stream",
        { offset: this.#position },
      );
    }
    this.#reads.add(this.#position, op.basisOffset, TAR_BLOCK_BYTES, false);
    this.#encode(op);
    this.#parts.data.bytes(inserted);
    await this.#advance(TAR_BLOCK_BYTES);
  }

  async #addTouch({ basisOffset, length, timeShift }: Op): Promise<void> {
    const end = basisOffset + length;
    const header = new Uint8Array(TAR_BLOCK_BYTES);
    // One object for all: an op can touch ten thousand files, and V8 takes objects made here for long-lived ones.
    const part: Op = { ...NO_OP, kind: OpKind.TOUCH, length };
    for (let at = basisOffset; at < end; ) {
      if (!this.#basis.tryRead(at, header)) await this.#basis.read(at, header);
      const contentBytes = shiftHeaderTime(header, timeShift);
      part.kind = OpKind.TOUCH;
      part.timeShift = timeShift;
      part.basisOffset = at;
      part.length = TAR_BLOCK_BYTES;
      if (!this.#tryOp(part)) await this.#addHeader(part, EMPTY_BYTES);
      at += TAR_BLOCK_BYTES;
      part.kind = OpKind.COPY;
      part.timeShift = 0;
      part.basisOffset = at;
      part.length = Math.min(contentBytes, end - at);
      if (part.length > 0 && !this.#tryOp(part)) await this.#addCopy(at, part.length);
      at += part.length;
    }
  }

  #takeData(length: number): Uint8Array {
    this.#dataAt += length;
    return this.#data.subarray(this.#dataAt - length, this.#dataAt);
  }

  /**
   * Record an op that ends inside the present step and piece as it stands (a TOUCH of one header alone), at once: a delta can
   * have a million, and each that waits leaves objects behind which made for a third of the memory.
   */
  #tryOp(op: Op): boolean {
    const { kind, length, basisOffset } = op;
    const { stepBytes, targetBytes } = this.#reads.layout;
    const end = this.#position + length;
    const endsInside = (this.#position % stepBytes) + length < stepBytes && end < targetBytes;
    const literalBytes = kind === OpKind.DATA || kind === OpKind.DIFF ? length : 0;
    if (!endsInside || this.#parts.size + literalBytes >= this.#pieceBytes || this.#configBytes > 0)
      return false;
    if (kind !== OpKind.DATA && kind !== OpKind.RUN)
      this.#reads.add(this.#position, basisOffset, length, kind === OpKind.COPY);
    this.#encode(op);
    if (kind === OpKind.DATA) this.#parts.data.bytes(this.#takeData(length));
    else if (kind === OpKind.HEADER) this.#parts.data.bytes(this.#takeData(insertedBytes(op.header)));
    else if (kind === OpKind.DIFF) this.#putResidual(length);
    this.#position = end;
    this.#parts.targetBytes += length;
    return true;
  }

  /** Pass over what makes the config; gives how many bytes of the op that was. */
  #skipConfig(op: Op): number {
    const skipped = Math.min(op.length, this.#configBytes);
    const isWhole = op.kind !== OpKind.TOUCH && op.kind !== OpKind.HEADER;
    if (!isWhole && skipped > 0) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        "delta: expected the config of an image, found an op that makes tar headers",
      );
    }
    this.#configBytes -= skipped;
    if (op.kind === OpKind.DATA) this.#dataAt += skipped;
    if (op.kind === OpKind.DIFF) this.#residualAt += skipped;
    return skipped;
  }

  /**
   * Record a window that was carried out, so that its ops are known to be sound.
   *
   * @param head - the head of a flat image where the delta computes it: with the first window, and whenever it is known.
   */
  async addWindow(window: PreparedWindow, ops: OpReader, head: Uint8Array | undefined): Promise<void> {
    this.#window = window;
    this.#data = window.data;
    this.#dataAt = 0;
    this.#residualAt = 0;
    if (this.#position === 0 && head !== undefined) await this.#putData(head);
    while (ops.next()) {
      if (ops.kind !== OpKind.TOUCH && this.#tryOp(ops)) continue;
      const skipped = this.#skipConfig(ops);
      const length = ops.length - skipped;
      const basisOffset = ops.basisOffset + skipped;
      if (length === 0) continue;
      switch (ops.kind) {
        case OpKind.COPY:
          await this.#addCopy(basisOffset, length);
          break;
        case OpKind.DIFF:
          await this.#addDiff(basisOffset, length);
          break;
        case OpKind.DATA:
          await this.#putData(this.#takeData(length));
          break;
        case OpKind.RUN:
          await this.#addRun(ops.byte, length);
          break;
        case OpKind.TOUCH:
          await this.#addTouch(ops);
          break;
        case OpKind.HEADER:
          await this.#addHeader(ops, this.#takeData(insertedBytes(ops.header)));
      }
    }
  }

  /** Say that all windows were recorded. */
  finish(): void {
    this.#reads.finish();
    if (this.#position !== this.#header.targetBytes) {
      throw new RangeError(`recorded ${this.#position} of ${this.#header.targetBytes} bytes`);
    }
  }
}
