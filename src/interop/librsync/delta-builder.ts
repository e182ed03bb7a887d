import { createHashCore, type HashCore } from "../../hash/index.ts";
import { PagedSource, readPaged, type Source } from "../../io/index.ts";
import type { Match } from "../../match/index.ts";
import { copyOpBytes, type RdiffOpWriter } from "./op-writer.ts";

const PIECE_BYTES = 1 << 16;
/** What a literal costs that a copy divides: a second op. */
const SECOND_LITERAL_BYTES = 3;

/** What of the target is not written yet: a literal from `from` on, then a copy. */
interface Pending {
  from: number;
  targetOffset: number;
  basisOffset: number;
  length: number;
}

/** Makes ops of matches, which come in the order of the target. */
export class DeltaBuilder {
  readonly #ops: RdiffOpWriter;
  readonly #target: PagedSource;
  readonly #basis: PagedSource | undefined;
  readonly #core: HashCore;
  readonly #signal: AbortSignal | undefined;
  readonly #targetPiece = new Uint8Array(PIECE_BYTES);
  readonly #basisPiece = new Uint8Array(PIECE_BYTES);
  readonly #literalPiece = new Uint8Array(PIECE_BYTES);
  readonly #pending: Pending = { from: 0, targetOffset: 0, basisOffset: 0, length: 0 };

  private constructor(
    core: HashCore,
    ops: RdiffOpWriter,
    sources: { target: Source; basis: Source | undefined },
    signal: AbortSignal | undefined,
  ) {
    this.#core = core;
    this.#ops = ops;
    this.#target = new PagedSource(sources.target);
    this.#basis = sources.basis && new PagedSource(sources.basis);
    this.#signal = signal;
  }

  static async create(
    ops: RdiffOpWriter,
    sources: { target: Source; basis: Source | undefined },
    signal: AbortSignal | undefined,
  ): Promise<DeltaBuilder> {
    return new DeltaBuilder(await createHashCore(), ops, sources, signal);
  }

  /**
   * Add a match. Where the basis is at hand, only what is equal, byte by byte, is copied: a match may be near, and hashes may be
   * wrong.
   */
  async add({ targetOffset, basisOffset, length }: Match): Promise<void> {
    if (this.#basis === undefined) return this.#copy(targetOffset, basisOffset, length);
    for (let at = 0; at < length; at += PIECE_BYTES) {
      this.#signal?.throwIfAborted();
      const target = this.#targetPiece.subarray(0, Math.min(PIECE_BYTES, length - at));
      const basis = this.#basisPiece.subarray(0, target.length);
      await readPaged(this.#target, targetOffset + at, target);
      await readPaged(this.#basis, basisOffset + at, basis);
      await this.#addEqual(target, basis, targetOffset + at, basisOffset + at);
    }
  }

  async #addEqual(target: Uint8Array, basis: Uint8Array, targetAt: number, basisAt: number): Promise<void> {
    for (let at = 0; at < target.length; ) {
      const equal = this.#core.matchForward(target, at, basis, at);
      if (equal > 0) await this.#copy(targetAt + at, basisAt + at, equal);
      at += equal;
      while (at < target.length && target[at] !== basis[at]) at++;
    }
  }

  async #copy(targetOffset: number, basisOffset: number, length: number): Promise<void> {
    const pending = this.#pending;
    const isContinued =
      targetOffset === pending.targetOffset + pending.length &&
      basisOffset === pending.basisOffset + pending.length;
    if (isContinued && pending.length > 0) {
      pending.length += length;
      return;
    }
    await this.#writePending();
    pending.targetOffset = targetOffset;
    pending.basisOffset = basisOffset;
    pending.length = length;
  }

  /** Write the copy and the literal before it; a copy that costs more than it saves becomes part of the next literal. */
  async #writePending(): Promise<void> {
    const { from, targetOffset, basisOffset, length } = this.#pending;
    const isBetweenLiterals = targetOffset > from;
    const cost = copyOpBytes(basisOffset, length) + (isBetweenLiterals ? SECOND_LITERAL_BYTES : 0);
    if (length <= cost) return;
    await this.#literal(from, targetOffset - from);
    await this.#ops.copy(basisOffset, length);
    this.#pending.from = targetOffset + length;
  }

  async #literal(offset: number, length: number): Promise<void> {
    if (length === 0) return;
    await this.#ops.literal(length);
    for (let at = 0; at < length; at += PIECE_BYTES) {
      this.#signal?.throwIfAborted();
      const piece = this.#literalPiece.subarray(0, Math.min(PIECE_BYTES, length - at));
      await readPaged(this.#target, offset + at, piece);
      await this.#ops.bytes(piece);
    }
  }

  /** End the delta: what no match covers is literal. */
  async finish(): Promise<void> {
    await this.#writePending();
    const { from } = this.#pending;
    await this.#literal(from, this.#target.size - from);
    await this.#ops.end();
  }
}
