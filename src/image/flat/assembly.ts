/** Bytes put together from memory and from ranges of other sources, without copying the latter. */
import { CHUNK_BYTES, checkRange, type Source } from "../../io/index.ts";
import { RangeSource } from "../content.ts";
import { PartTable } from "./parts.ts";
import { packedBound, packZeroRuns, unpackZeroRuns } from "./zero-runs.ts";

/** A piece of a read that comes out of another source. */
interface Piece {
  offset: number;
  into: Uint8Array;
}

const FIRST_ARENA_BYTES = 1 << 14;
const MAX_ARENA_BYTES = 1 << 20;

// One read of a file costs as much as copying some 100 KB, so files that lie near each other are read together.
const MAX_GAP_BYTES = 1 << 16;
const MAX_BATCH_BYTES = 1 << 22;

/** Keeps one buffer for the next batch: zeroing a new one for each takes as long as reading it. */
class SpareBuffer {
  #buffer: Uint8Array | undefined;

  take(length: number): Uint8Array {
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (buffer !== undefined && buffer.length >= length) return buffer;
    return new Uint8Array(Math.max(length, 2 * CHUNK_BYTES));
  }

  give(buffer: Uint8Array): void {
    this.#buffer = buffer;
  }
}

/** Add a pattern to bytes, again and again, bit by bit: doing so twice changes nothing. */
function mixPattern(bytes: Uint8Array, pattern: Uint8Array, patternAt: number): void {
  for (let i = 0, at = patternAt % pattern.length; i < bytes.length; i++) {
    bytes[i]! ^= pattern[at]!;
    if (++at === pattern.length) at = 0;
  }
}

/**
 * Collects parts in order. Bytes in memory are gathered in large arrays without their runs of zeros, which most of a header
 * is, and zeros behind them are only counted: so 50,000 headers stay cheap.
 */
export class AssemblyBuilder {
  readonly #pattern: Uint8Array;
  readonly #parts = new PartTable();
  #isAtHand = true;
  #arena = new Uint8Array(0);
  #used = 0;
  /** Bytes collected so far. */
  size = 0;

  /** @param pattern - what the bytes in memory have in common: where they have it too, they take nothing. */
  constructor(pattern: Uint8Array) {
    this.#pattern = pattern;
  }

  /** Add bytes, which are changed. */
  addBytes(bytes: Uint8Array): void {
    let length = bytes.length;
    while (length > 0 && bytes[length - 1] === 0) length--;
    mixPattern(bytes.subarray(0, length), this.#pattern, 0);
    const neededBytes = packedBound(length);
    if (neededBytes > this.#arena.length - this.#used) {
      const grownBytes = Math.min(Math.max(4 * this.#arena.length, FIRST_ARENA_BYTES), MAX_ARENA_BYTES);
      this.#arena = new Uint8Array(Math.max(grownBytes, neededBytes));
      this.#used = 0;
    }
    this.#parts.push(this.size, this.#arena, this.#used, length);
    this.#used += packZeroRuns(bytes.subarray(0, length), this.#arena, this.#used);
    this.size += bytes.length;
  }

  /** Add zeros: padding. */
  addZeros(length: number): void {
    if (this.#parts.count === 0) this.#parts.push(0, this.#arena);
    this.size += length;
  }

  /** Add what another source holds. */
  addSource(source: Source): void {
    if (source.size === 0) return;
    this.#parts.push(this.size, source);
    this.#isAtHand &&= rangeOf(source, 0).base.readSync !== undefined;
    this.size += source.size;
  }

  /** All that was added, as a source. */
  finish(): AssembledSource {
    return new AssembledSource(this.#parts, this.#pattern, this.size, this.#isAtHand);
  }
}

/** Where the byte at `at` of a source really comes from. */
function rangeOf(source: Source, at: number): { base: Source; offset: number } {
  return source instanceof RangeSource
    ? { base: source.base, offset: source.offset + at }
    : { base: source, offset: at };
}

/** What an {@link AssemblyBuilder} put together. */
export class AssembledSource implements Source {
  readonly size: number;
  readonly #parts: PartTable;
  readonly #pattern: Uint8Array;
  readonly #spare = new SpareBuffer();
  readonly readSync?: NonNullable<Source["readSync"]>;

  /** @param isAtHand - whether all other sources read at once. */
  constructor(parts: PartTable, pattern: Uint8Array, size: number, isAtHand: boolean) {
    this.#parts = parts;
    this.#pattern = pattern;
    this.size = size;
    if (isAtHand) {
      this.readSync = (offset, into) =>
        this.#fill(offset, into, (source, at, piece) => {
          const { base, offset: from } = rangeOf(source, at);
          base.readSync!(from, piece);
        });
    }
  }

  /** Fill `into` from memory, and have `readPart` fill what other sources hold. */
  #fill(
    offset: number,
    into: Uint8Array,
    readPart: (source: Source, at: number, piece: Uint8Array) => void,
  ): void {
    checkRange(this.size, offset, into.length);
    const parts = this.#parts;
    for (let done = 0, i = parts.find(offset); done < into.length; i++) {
      const holder = parts.holder(i);
      const start = parts.start(i);
      const at = offset + done - start;
      const end = i + 1 < parts.count ? parts.start(i + 1) : this.size;
      const length = Math.min(into.length - done, end - start - at);
      const held = Math.min(length, Math.max(0, parts.length(i) - at));
      if (holder instanceof Uint8Array) {
        const made = into.subarray(done, done + held);
        unpackZeroRuns(holder, parts.offset(i), at, made);
        mixPattern(made, this.#pattern, at);
      } else if (held > 0) readPart(holder, at, into.subarray(done, done + held));
      into.fill(0, done + held, done + length);
      done += length;
    }
  }

  /** Which of the sources that were added holds a byte, and where; `undefined` for what does not come from one. */
  sourceAt(offset: number): { content: Source; offset: number } | undefined {
    const i = this.#parts.find(offset);
    const holder = this.#parts.holder(i);
    const at = offset - this.#parts.start(i);
    return holder instanceof Uint8Array || at >= holder.size ? undefined : { content: holder, offset: at };
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    const pending: Promise<void>[] = [];
    const pieces = new Map<Source, Piece[]>();
    this.#fill(offset, into, (source, at, piece) => {
      if (!(source instanceof RangeSource)) {
        pending.push(source.read(at, piece));
        return;
      }
      const part = { offset: source.offset + at, into: piece };
      const others = pieces.get(source.base);
      if (others === undefined) pieces.set(source.base, [part]);
      else others.push(part);
    });
    for (const [base, list] of pieces) readPieces(base, list, pending, this.#spare);
    // All of them, not the first failure: `into` must not be written to once this is settled.
    const results =
      pending.length === 1 ? [await settle(pending[0]!)] : await Promise.all(pending.map(settle));
    for (const result of results) if (result !== undefined) throw result.error;
  }
}

async function settle(promise: Promise<void>): Promise<{ error: unknown } | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** Read pieces of one source, those that lie near each other at once. */
function readPieces(base: Source, pieces: Piece[], pending: Promise<void>[], spare: SpareBuffer): void {
  pieces.sort((a, b) => a.offset - b.offset);
  for (let first = 0, next: number; first < pieces.length; first = next) {
    const start = pieces[first]!.offset;
    let end = start + pieces[first]!.into.length;
    for (next = first + 1; next < pieces.length; next++) {
      const { offset, into } = pieces[next]!;
      if (offset - end > MAX_GAP_BYTES || offset + into.length - start > MAX_BATCH_BYTES) break;
      end = Math.max(end, offset + into.length);
    }
    if (next === first + 1) pending.push(base.read(start, pieces[first]!.into));
    else pending.push(readBatch(base, start, end, pieces.slice(first, next), spare));
  }
}

async function readBatch(
  base: Source,
  start: number,
  end: number,
  pieces: readonly Piece[],
  spare: SpareBuffer,
): Promise<void> {
  const buffer = spare.take(end - start);
  const batch = buffer.subarray(0, end - start);
  await base.read(start, batch);
  for (const { offset, into } of pieces)
    into.set(batch.subarray(offset - start, offset - start + into.length));
  spare.give(buffer);
}
