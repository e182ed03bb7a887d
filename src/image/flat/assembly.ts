/** Bytes put together from memory and from ranges of other sources, without copying the latter. */
import { CHUNK_BYTES, checkRange, type Source } from "../../io/index.ts";
import { RangeSource } from "../content.ts";

/** A part of the assembly: bytes in memory, or a source of at least one byte. */
type Part = Uint8Array | Source;

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

/** Collects parts in order. Bytes in memory are gathered in large arrays, so that 50,000 headers stay cheap. */
export class AssemblyBuilder {
  readonly #parts: Part[] = [];
  #arena = new Uint8Array(0);
  /** Where the current run of bytes begins in the arena, and where free space does. */
  #runStart = 0;
  #runEnd = 0;
  /** Bytes collected so far. */
  size = 0;

  #closeRun(): void {
    if (this.#runEnd > this.#runStart) this.#parts.push(this.#arena.subarray(this.#runStart, this.#runEnd));
    this.#runStart = this.#runEnd;
  }

  #reserve(length: number): void {
    if (length <= this.#arena.length - this.#runEnd) return;
    this.#closeRun();
    const grownBytes = Math.min(Math.max(4 * this.#arena.length, FIRST_ARENA_BYTES), MAX_ARENA_BYTES);
    this.#arena = new Uint8Array(Math.max(grownBytes, length));
    this.#runStart = 0;
    this.#runEnd = 0;
  }

  /** Add a copy of some bytes. */
  addBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#arena.set(bytes, this.#runEnd);
    this.#runEnd += bytes.length;
    this.size += bytes.length;
  }

  /** Add zeros: padding. */
  addZeros(length: number): void {
    this.#reserve(length);
    this.#runEnd += length;
    this.size += length;
  }

  /** Add what another source holds. */
  addSource(source: Source): void {
    if (source.size === 0) return;
    this.#closeRun();
    this.#parts.push(source);
    this.size += source.size;
  }

  /** All that was added, as a source. */
  finish(): Source {
    this.#closeRun();
    this.#arena = new Uint8Array(0);
    this.#runStart = 0;
    this.#runEnd = 0;
    return new AssembledSource(this.#parts);
  }
}

function sizeOf(part: Part): number {
  return part instanceof Uint8Array ? part.length : part.size;
}

class AssembledSource implements Source {
  readonly size: number;
  readonly #parts: readonly Part[];
  readonly #starts: Float64Array;
  readonly #spare = new SpareBuffer();

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
    this.#starts = new Float64Array(parts.length + 1);
    for (let i = 0; i < parts.length; i++) this.#starts[i + 1] = this.#starts[i]! + sizeOf(parts[i]!);
    this.size = this.#starts[parts.length]!;
  }

  /** Index of the part that holds the byte at `offset`. */
  #find(offset: number): number {
    let low = 0;
    for (let high = this.#parts.length; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.size, offset, into.length);
    const pending: Promise<void>[] = [];
    const pieces = new Map<Source, Piece[]>();
    for (let done = 0, i = this.#find(offset); done < into.length; i++) {
      const part = this.#parts[i]!;
      const at = offset + done - this.#starts[i]!;
      const length = Math.min(into.length - done, sizeOf(part) - at);
      if (part instanceof Uint8Array) into.set(part.subarray(at, at + length), done);
      else {
        const target = into.subarray(done, done + length);
        if (part instanceof RangeSource) {
          const piece = { offset: part.offset + at, into: target };
          const others = pieces.get(part.base);
          if (others === undefined) pieces.set(part.base, [piece]);
          else others.push(piece);
        } else pending.push(part.read(at, target));
      }
      done += length;
    }
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
