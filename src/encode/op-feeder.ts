import { OpKind } from "../delta/index.ts";
import { CHUNK_BYTES, PagedSource, readPaged, type Source } from "../io/index.ts";
import type { HeaderTouch, Match } from "../match/index.ts";
import { planHeader, shiftHeaderTime, TAR_BLOCK_BYTES } from "../transform/index.ts";
import { MIN_RUN_BYTES, splitRuns } from "./runs.ts";
import type { RawWindow, WindowBuilder } from "./window-builder.ts";

/** What is added at once. */
export const MAX_ADDED_BYTES = CHUNK_BYTES;

/** Takes the windows that a target becomes, in order. */
export interface WindowTaker {
  /** Take a window, and release it in the end. Resolves when there is room for another. */
  push(window: RawWindow): Promise<void>;
  /** Wait until all are worked on. */
  finish(): Promise<void>;
}

/**
 * Feeds a window builder with what becomes of the target's ranges, one after the other, and hands on full windows. Of
 * the target it reads what the ops do not copy.
 *
 * Methods that add return nothing where they are done at once, which nearly all of a million calls are; else a promise
 * that must be awaited before the next call.
 */
export class OpFeeder {
  readonly #builder: WindowBuilder;
  readonly #taker: WindowTaker;
  readonly #target: PagedSource;
  readonly #basis: PagedSource | undefined;
  /** The builder's inputs: longer differences are rare, and are taken in parts. */
  readonly #targetScratch: Uint8Array;
  readonly #basisScratch: Uint8Array;
  /** For long gaps. */
  #chunk: Uint8Array | undefined;

  /** @param basis - needed only where a match is not exact. */
  constructor(builder: WindowBuilder, taker: WindowTaker, target: Source, basis: Source | undefined) {
    this.#builder = builder;
    ({ left: this.#targetScratch, right: this.#basisScratch } = builder.inputs);
    this.#taker = taker;
    this.#target = new PagedSource(target);
    this.#basis = basis === undefined ? undefined : new PagedSource(basis);
  }

  /** Room for at least one more byte of this kind, after taking the window if it is full. */
  async #makeRoom(kind: OpKind): Promise<number> {
    if (this.#builder.room(kind) === 0) await this.#taker.push(this.#builder.take());
    return this.#builder.room(kind);
  }

  /** Add `length` bytes of the target at `offset`, {@link MAX_ADDED_BYTES} at most, all of them in one match or in none. */
  add(match: Match | undefined, offset: number, length: number): Promise<void> | undefined {
    if (match === undefined) return this.#addGap(offset, length);
    const basisOffset = match.basisOffset + (offset - match.targetOffset);
    if (match.exact) return this.#addExact(length, basisOffset);
    if (!match.isHeader) return this.#addSimilar(offset, length, basisOffset);
    if (match.touch !== undefined && length === TAR_BLOCK_BYTES && this.#hasRoomForHeader(0)) {
      this.#addTouched(basisOffset, match.touch);
      return undefined;
    }
    return this.#addHeader(offset, length, basisOffset);
  }

  /** The basis does not have these bytes. */
  #addGap(offset: number, length: number): Promise<void> | undefined {
    // Shorter ones hold no run.
    const isAtHand =
      length < MIN_RUN_BYTES &&
      this.#builder.room(OpKind.DATA) >= length &&
      this.#target.tryRead(offset, this.#targetScratch, 0, length);
    if (!isAtHand) return this.#addLongGap(offset, length);
    this.#builder.addData(this.#targetScratch.subarray(0, length));
    return undefined;
  }

  async #addLongGap(offset: number, length: number): Promise<void> {
    this.#chunk ??= new Uint8Array(MAX_ADDED_BYTES);
    const bytes = this.#chunk.subarray(0, length);
    await readPaged(this.#target, offset, bytes);
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
  #addExact(length: number, basisOffset: number): Promise<void> | undefined {
    if (this.#builder.room(OpKind.COPY) < length) return this.#addExactInParts(length, basisOffset);
    this.#builder.addCopy(length, basisOffset);
    return undefined;
  }

  async #addExactInParts(length: number, basisOffset: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const part = Math.min(length - done, await this.#makeRoom(OpKind.COPY));
      this.#builder.addCopy(part, basisOffset + done);
      done += part;
    }
  }

  /** The basis has similar bytes at `basisOffset`. */
  #addSimilar(offset: number, length: number, basisOffset: number): Promise<void> | undefined {
    const isAtHand =
      length <= this.#targetScratch.length &&
      this.#builder.room(OpKind.DIFF) >= length &&
      this.#target.tryRead(offset, this.#targetScratch, 0, length) &&
      this.#basis!.tryRead(basisOffset, this.#basisScratch, 0, length);
    if (!isAtHand) return this.#addSimilarInParts(offset, length, basisOffset);
    this.#builder.addDiff(length, basisOffset);
    return undefined;
  }

  async #addSimilarInParts(offset: number, length: number, basisOffset: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const room = await this.#makeRoom(OpKind.DIFF);
      const part = Math.min(length - done, room, this.#targetScratch.length);
      await this.#read(offset + done, basisOffset + done, part);
      this.#builder.addDiff(part, basisOffset + done);
      done += part;
    }
  }

  async #read(offset: number, basisOffset: number, length: number): Promise<void> {
    await readPaged(this.#target, offset, this.#targetScratch.subarray(0, length));
    await readPaged(this.#basis!, basisOffset, this.#basisScratch.subarray(0, length));
  }

  #addTouched(basisOffset: number, { timeShift, contentBytes }: HeaderTouch): void {
    this.#builder.addTouchedHeader(basisOffset, timeShift, contentBytes);
  }

  #hasRoomForHeader(insertedBytes: number): boolean {
    const builder = this.#builder;
    return builder.room(OpKind.HEADER) >= TAR_BLOCK_BYTES && builder.room(OpKind.DATA) >= insertedBytes;
  }

  /** A header that follows from another; what the target's ranges or a tiny window cut becomes a difference. */
  async #addHeader(offset: number, length: number, basisOffset: number): Promise<void> {
    await this.#read(offset, basisOffset, length);
    const old = this.#basisScratch.slice(0, length);
    const bytes = this.#targetScratch.subarray(0, length);
    const plan = length === TAR_BLOCK_BYTES ? planHeader(old, bytes) : undefined;
    const fits = (): boolean => this.#hasRoomForHeader(plan!.inserted.length);
    if (plan !== undefined && !fits() && !this.#builder.isEmpty) await this.#taker.push(this.#builder.take());
    if (plan === undefined || !fits()) await this.#addSimilar(offset, length, basisOffset);
    else if (plan.sizeDelta === 0 && plan.splices.length === 0) {
      const { timeShift } = plan;
      this.#addTouched(basisOffset, { timeShift, contentBytes: shiftHeaderTime(old, timeShift) });
    } else this.#builder.addHeader(basisOffset, plan);
  }

  /** Hand over the last window. */
  async finish(): Promise<void> {
    if (!this.#builder.isEmpty) await this.#taker.push(this.#builder.take());
    await this.#taker.finish();
  }
}
