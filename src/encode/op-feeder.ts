import { OpKind } from "../delta/index.ts";
import { PagedSource, readPaged, type Source } from "../io/index.ts";
import { planHeader, shiftHeaderTime, TAR_BLOCK_BYTES } from "../transform/index.ts";
import { splitRuns } from "./runs.ts";
import type { WindowBuilder } from "./window-builder.ts";
import type { WindowCoder } from "./window-coder.ts";

// Longer differences are rare, and take memory of their own.
const SCRATCH_BYTES = 1 << 16;

/**
 * Feeds a window builder with the target's bytes piece by piece, and hands full windows to the coder.
 *
 * Methods that add return nothing where they are done at once, which nearly all of a million calls are; else a promise
 * that must be awaited before the next call.
 */
export class OpFeeder {
  readonly #builder: WindowBuilder;
  readonly #coder: WindowCoder;
  readonly #basis: PagedSource | undefined;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);

  /** @param basis - needed only where a match is not exact. */
  constructor(builder: WindowBuilder, coder: WindowCoder, basis: Source | undefined) {
    this.#builder = builder;
    this.#coder = coder;
    this.#basis = basis === undefined ? undefined : new PagedSource(basis);
  }

  /** Room for at least one more byte of this kind, after taking the window if it is full. */
  async #makeRoom(kind: OpKind): Promise<number> {
    if (this.#builder.room(kind) === 0) await this.#coder.push(this.#builder.take());
    return this.#builder.room(kind);
  }

  /** The basis does not have these bytes. */
  async addGap(bytes: Uint8Array): Promise<void> {
    for (const { piece, isRun } of splitRuns(bytes)) {
      const kind = isRun ? OpKind.RUN : OpKind.DATA;
      for (let at = 0; at < piece.length; ) {
        const part = piece.subarray(at, at + (await this.#makeRoom(kind)));
        if (isRun) this.#builder.addRun(part);
        else this.#builder.addData(part);
        at += part.length;
      }
    }
  }

  /** The basis has these bytes at `basisOffset`. */
  addExact(bytes: Uint8Array, basisOffset: number): Promise<void> | undefined {
    if (this.#builder.room(OpKind.COPY) < bytes.length)
      return this.#addInParts(bytes, basisOffset, OpKind.COPY);
    this.#builder.addCopy(bytes, basisOffset);
    return undefined;
  }

  /** The same of bytes that nobody has read; all are sure to fit. */
  addUnread(length: number, basisOffset: number): void {
    this.#builder.addUnreadCopy(length, basisOffset);
  }

  /** The basis has similar bytes at `basisOffset`. */
  addSimilar(bytes: Uint8Array, basisOffset: number): Promise<void> | undefined {
    const { length } = bytes;
    const isAtHand =
      length <= SCRATCH_BYTES &&
      this.#builder.room(OpKind.DIFF) >= length &&
      this.#basis!.tryRead(basisOffset, this.#scratch, 0, length);
    if (!isAtHand) return this.#addInParts(bytes, basisOffset, OpKind.DIFF);
    this.#builder.addDiff(bytes, basisOffset, this.#scratch.subarray(0, length));
    return undefined;
  }

  async #addInParts(bytes: Uint8Array, basisOffset: number, kind: OpKind): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + (await this.#makeRoom(kind)));
      if (kind === OpKind.COPY) this.#builder.addCopy(part, basisOffset + at);
      else {
        const old = new Uint8Array(part.length);
        await readPaged(this.#basis!, basisOffset + at, old);
        this.#builder.addDiff(part, basisOffset + at, old);
      }
      at += part.length;
    }
  }

  /** A header that follows from another; what the target's chunks or a tiny window cut becomes a difference. */
  async addHeader(bytes: Uint8Array, basisOffset: number): Promise<void> {
    const builder = this.#builder;
    const old = new Uint8Array(bytes.length);
    await readPaged(this.#basis!, basisOffset, old);
    const plan = bytes.length === TAR_BLOCK_BYTES ? planHeader(old, bytes) : undefined;
    const fits = (): boolean =>
      builder.room(OpKind.HEADER) >= bytes.length && builder.room(OpKind.DATA) >= plan!.inserted.length;
    if (plan !== undefined && !fits() && !builder.isEmpty) await this.#coder.push(builder.take());
    if (plan === undefined || !fits()) await this.addSimilar(bytes, basisOffset);
    else if (plan.sizeDelta === 0 && plan.splices.length === 0) {
      builder.addTouchedHeader(bytes, basisOffset, plan.timeShift, shiftHeaderTime(old, plan.timeShift));
    } else builder.addHeader(bytes, basisOffset, plan);
  }

  /** Be done with the memory of all that was added. */
  settle(): void {
    this.#builder.settle();
  }

  /** Hand over the last window. */
  async finish(): Promise<void> {
    if (!this.#builder.isEmpty) await this.#coder.push(this.#builder.take());
    await this.#coder.finish();
  }
}
