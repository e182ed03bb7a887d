import { copyBytes, EMPTY_BYTES } from "../bytes/index.ts";
import {
  countOp,
  insertedBytes,
  type Op,
  OpKind,
  type OpReader,
  StreamId,
  zeroOpTotals,
} from "../delta/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import type { PagedSource } from "../io/index.ts";
import { changeHeader, shiftHeaderTime, TAR_BLOCK_BYTES } from "../transform/index.ts";
import type { HeadOutput } from "./head.ts";
import type { OpKernel } from "./kernel/op-kernel.ts";
import type { OpOutput } from "./output.ts";
import type { DecodedSegments } from "./prepare.ts";
import { addResidual } from "./residual.ts";

/**
 * Told of bytes that come out of the basis as they are, before they go to the output; of short ones, and of what the kernel does,
 * perhaps not.
 */
export type OnCopy = (basisOffset: number, length: number) => void;

/** Carries out the ops of windows. */
export class WindowApplier {
  readonly #basis: PagedSource;
  readonly #target: OpOutput;
  /** While ops make the config that the head of a flat image is computed from. */
  #head: HeadOutput | undefined;
  #output: OpOutput;
  readonly totals = zeroOpTotals();
  /** The tar header that is being made. */
  readonly #header = new Uint8Array(TAR_BLOCK_BYTES);
  /** The segments of the present window, and how much of them is used. */
  #data = EMPTY_BYTES;
  #dataAt = 0;
  #residual = EMPTY_BYTES;
  #residualAt = 0;
  /** Whether the basis bytes of DIFF ops are added to `#residual` already. */
  #residualIsTarget = false;

  readonly #kernel: OpKernel | undefined;
  readonly #onCopy: OnCopy | undefined;

  /**
   * @param kernel - for what can be done at once; it holds the pages of `basis` and the buffers of `output`. Not for windows with
   * `residualIsTarget`.
   */
  constructor(basis: PagedSource, output: OpOutput, head?: HeadOutput, kernel?: OpKernel, onCopy?: OnCopy) {
    this.#kernel = kernel;
    this.#onCopy = onCopy;
    this.#basis = basis;
    this.#target = output;
    this.#head = head;
    this.#output = head ?? output;
  }

  #readsBasis(op: Op): boolean {
    return op.kind === OpKind.COPY || (op.kind === OpKind.DIFF && !this.#residualIsTarget);
  }

  /** Read bytes of the basis to where the next target bytes go. */
  async #readBasis(offset: number, length: number): Promise<void> {
    const { buffer, position } = this.#output;
    const reading = this.#basis.read(offset, buffer.subarray(position, position + length));
    this.#output.hashFlushed();
    await reading;
  }

  /** Make the next `length` bytes of an op whose basis range, if it has one, is in the output's buffer already. */
  #complete(op: Op, length: number): void {
    const { buffer, position } = this.#output;
    switch (op.kind) {
      case OpKind.COPY:
        break;
      case OpKind.DIFF:
        if (this.#residualIsTarget) copyBytes(this.#residual, this.#residualAt, buffer, position, length);
        else if (this.#kernel?.tryAddResidual(buffer, position, this.#residualAt, length) !== true)
          addResidual(buffer, position, this.#residual, this.#residualAt, length);
        this.#residualAt += length;
        break;
      case OpKind.DATA:
        copyBytes(this.#data, this.#dataAt, buffer, position, length);
        this.#dataAt += length;
        break;
      case OpKind.RUN:
        buffer.fill(op.byte, position, position + length);
    }
    this.#output.advance(length);
  }

  /** Carry out an op at once, if it fits what is buffered on both sides. A delta can have a million short ops. */
  #tryOp(op: Op): boolean {
    const { buffer, position } = this.#output;
    if (!this.#hasRoom(op.length)) return false;
    if (this.#readsBasis(op) && !this.#basis.tryRead(op.basisOffset, buffer, position, op.length))
      return false;
    if (op.kind === OpKind.COPY) this.#tellCopy(op.basisOffset, op.length);
    this.#complete(op, op.length);
    return true;
  }

  /** Put out the head once all that it is computed from is there. */
  async #passHead(): Promise<void> {
    if (this.#head?.room !== 0) return;
    const head = this.#head.complete();
    this.#head = undefined;
    this.#output = this.#target;
    await this.#put(head);
  }

  /** Make room for at least one byte of target. */
  async #makeRoom(): Promise<void> {
    await this.#passHead();
    await this.#output.makeRoom();
  }

  /** Whether so many bytes fit what is buffered, with nothing to be put out before them. */
  #hasRoom(length: number): boolean {
    return length <= this.#output.room && this.#head?.room !== 0;
  }

  /** Make `length` bytes of target in pieces that fit the output's buffer; `fill` makes `piece` of them, from `done` on. */
  async #emit(
    length: number,
    fill: (done: number, piece: number) => undefined | Promise<void>,
  ): Promise<void> {
    for (let done = 0; done < length; ) {
      await this.#makeRoom();
      const piece = Math.min(length - done, this.#output.room);
      await fill(done, piece);
      done += piece;
    }
  }

  /** What makes the config goes elsewhere first. */
  #tellCopy(basisOffset: number, length: number): void {
    if (this.#output === this.#target) this.#onCopy?.(basisOffset, length);
  }

  async #applyOp(op: Op): Promise<void> {
    await this.#passHead();
    if (op.kind === OpKind.COPY) this.#tellCopy(op.basisOffset, op.length);
    return this.#emit(op.length, async (done, piece) => {
      if (this.#readsBasis(op)) await this.#readBasis(op.basisOffset + done, piece);
      this.#complete(op, piece);
    });
  }

  /** Copy bytes of the basis to the output at once, if that can be. */
  #tryCopy(basisOffset: number, length: number): boolean {
    const { buffer, position } = this.#output;
    if (!this.#hasRoom(length) || !this.#basis.tryRead(basisOffset, buffer, position, length)) return false;
    this.#output.advance(length);
    return true;
  }

  /** Copy `length` bytes of the basis to the output. */
  #copy(basisOffset: number, length: number): Promise<void> {
    return this.#emit(length, async (done, piece) => {
      if (this.#tryCopy(basisOffset + done, piece)) return;
      await this.#readBasis(basisOffset + done, piece);
      this.#output.advance(piece);
    });
  }

  /** Put bytes into the output at once, if there is room. */
  #tryPut(bytes: Uint8Array): boolean {
    if (!this.#hasRoom(bytes.length)) return false;
    const { buffer, position } = this.#output;
    copyBytes(bytes, 0, buffer, position, bytes.length);
    this.#output.advance(bytes.length);
    return true;
  }

  /** Put bytes into the output. */
  #put(bytes: Uint8Array): Promise<void> {
    return this.#emit(bytes.length, (done, piece) => {
      const { buffer, position } = this.#output;
      copyBytes(bytes, done, buffer, position, piece);
      this.#output.advance(piece);
      return undefined;
    });
  }

  /** Copy entries of a tar, moving the times in their headers. */
  async #touch({ basisOffset, length, timeShift }: Op): Promise<void> {
    const end = basisOffset + length;
    const header = this.#header;
    for (let at = basisOffset; at < end; ) {
      if (end - at >= TAR_BLOCK_BYTES && !this.#basis.tryRead(at, header)) await this.#basis.read(at, header);
      const contentBytes = end - at < TAR_BLOCK_BYTES ? -1 : shiftHeaderTime(header, timeShift);
      if (contentBytes < 0) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `delta: expected a tar header at ${at} of the basis, found other bytes`,
        );
      }
      // An op can be a thousand small files: what is done at once leaves no promises behind.
      if (!this.#tryPut(header)) await this.#put(header);
      at += TAR_BLOCK_BYTES;
      const copied = Math.min(contentBytes, end - at);
      if (copied > 0) {
        this.#tellCopy(at, copied);
        if (!this.#tryCopy(at, copied)) await this.#copy(at, copied);
      }
      at += copied;
    }
  }

  /** Make a tar header from one of the basis. */
  async #changeHeader({ basisOffset, header, timeShift }: Op): Promise<void> {
    const block = this.#header;
    if (!this.#basis.tryRead(basisOffset, block)) await this.#basis.read(basisOffset, block);
    const dataEnd = this.#dataAt + insertedBytes(header);
    const inserted = this.#data.subarray(this.#dataAt, dataEnd);
    this.#dataAt = dataEnd;
    if (!changeHeader(block, header!, timeShift, inserted)) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `delta: expected a tar header that can be changed at ${basisOffset} of the basis, found other bytes`,
      );
    }
    if (!this.#tryPut(block)) await this.#put(block);
  }

  /** Pass over a window whose target bytes are there already; with the first one goes the head. */
  skip(ops: OpReader): void {
    this.#head = undefined;
    this.#output = this.#target;
    while (ops.next()) countOp(this.totals, ops);
  }

  /** Go to the next op that the kernel leaves over. */
  #next(ops: OpReader): boolean {
    if (this.#kernel !== undefined) {
      for (;;) {
        const missing = this.#kernel.run(ops, this.#output, this.totals);
        if (missing < 0 || !this.#basis.tryLoad(missing)) break;
      }
      this.#dataAt = ops.usedOf(StreamId.DATA);
      this.#residualAt = ops.usedOf(StreamId.RESIDUAL);
    }
    return ops.next();
  }

  async apply(window: DecodedSegments, ops: OpReader): Promise<void> {
    this.#residualIsTarget = window.residualIsTarget;
    await window.finish();
    this.#data = window.data;
    this.#residual = window.residual;
    this.#dataAt = 0;
    this.#residualAt = 0;
    this.#kernel?.load(ops, window);
    while (this.#next(ops)) {
      countOp(this.totals, ops);
      if (ops.kind === OpKind.TOUCH) await this.#touch(ops);
      else if (ops.kind === OpKind.HEADER) await this.#changeHeader(ops);
      else if (!this.#tryOp(ops)) await this.#applyOp(ops);
    }
    await this.#passHead();
  }
}
