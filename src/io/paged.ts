import { copyBytes } from "../bytes/index.ts";
import { checkRange, type Source } from "./source.ts";

/** Memory for pages, in slots. Who shares it may use the pages too. */
export interface PageMemory {
  /** The slots, one behind the other. */
  readonly bytes: Uint8Array;
  /** Of each slot: where in the source its page begins; −1 while it holds none. */
  readonly starts: Float64Array;
  /** Of each slot: what `clock` said when the page was used last. */
  readonly uses: Float64Array;
  /** One number, which grows with each use. */
  readonly clock: Float64Array;
}

/** How large a page is, and how many are kept. */
export interface PageOptions {
  pageBytes?: number;
  /** At least 2. */
  pages?: number;
  /** So many where most pages that are read had been in memory before; `pages` unless given. */
  mostPages?: number;
  /** Where they are kept: as large as `pageSlots` says. */
  memory?: PageMemory | undefined;
}

// 1 MiB in all. With pages of 256 KiB the ops of a large program, which come from several places in turn, read 1.1 GB of a
// file of 80 MB; pages of 8 to 64 KiB are equally fast.
const PAGE_BYTES = 1 << 15;
const PAGES = 32;

// What is longer is read while the calling thread does something else: here a read takes as long as two turns of the event loop.
const MAX_SYNC_BYTES = 1 << 18;

/** How many pages are kept of a source at most, in slots of how many bytes. */
export function pageSlots(
  size: number,
  { pageBytes = PAGE_BYTES, pages = PAGES, mostPages = pages }: PageOptions = {},
): {
  count: number;
  bytes: number;
} {
  return { count: Math.max(2, Math.min(mostPages, Math.ceil(size / pageBytes))), bytes: pageBytes };
}

function createPageMemory(slots: { count: number; bytes: number }): PageMemory {
  return {
    bytes: new Uint8Array(slots.count * slots.bytes),
    starts: new Float64Array(slots.count).fill(-1),
    uses: new Float64Array(slots.count),
    clock: new Float64Array(1),
  };
}

// A slot that is being filled is not given away, nor is one that is not needed yet.
const IN_USE = Number.POSITIVE_INFINITY;

// Of larger sources some pages are taken for others: then more are kept than need be.
const MAX_KNOWN_PAGES = 1 << 16;

/**
 * A source behind a small cache of pages, for many short reads near each other: a read that lies in cached pages is done
 * at once, without a turn of the event loop (an asynchronous file read of a few bytes costs 20 to 50 µs, and a delta can
 * ask for a million). The least recently used page makes room. A page comes at once too from a source that can: a file's
 * takes 10 µs then, and waiting for eight thousand of them took half of the time of applying a delta.
 */
export class PagedSource implements Source {
  readonly size: number;
  readonly #source: Source;
  readonly #pageBytes: number;
  readonly #memory: PageMemory;
  // The page of the last read, which is mostly that of the next: where it begins in the source and in memory, and its length.
  #lastStart = 0;
  #lastAt = 0;
  #lastLength = 0;
  #lastFetched: number;
  /** The page that is being read before it was asked for. */
  #ahead: Promise<unknown> | undefined;
  /** Slots that are in use. */
  #slots: number;
  /** Of each page: whether it was read before. Absent where all slots are in use from the beginning. */
  readonly #known: Uint8Array | undefined;
  /** Pages that were read, and how many of them had been before. */
  #loads = 0;
  #returns = 0;

  constructor(source: Source, options: PageOptions = {}) {
    this.#source = source;
    this.size = source.size;
    const slots = pageSlots(source.size, options);
    this.#pageBytes = slots.bytes;
    this.#memory = options.memory ?? createPageMemory(slots);
    this.#lastFetched = -slots.bytes;
    this.#slots = Math.min(options.pages ?? PAGES, slots.count);
    if (this.#slots < slots.count) {
      this.#known = new Uint8Array(Math.min(Math.ceil(source.size / slots.bytes), MAX_KNOWN_PAGES));
      this.#memory.uses.fill(IN_USE, this.#slots);
    }
  }

  /** The slot of a page that is in memory, or −1. */
  #find(start: number): number {
    const slot = this.#memory.starts.indexOf(start);
    if (slot >= 0) this.#use(slot, start);
    return slot;
  }

  #use(slot: number, start: number): void {
    const { starts, uses, clock } = this.#memory;
    starts[slot] = start;
    clock[0]! += 1;
    uses[slot] = clock[0]!;
    this.#lastStart = start;
    this.#lastAt = slot * this.#pageBytes;
    this.#lastLength = this.#lengthAt(start);
  }

  #lengthAt(start: number): number {
    return Math.min(this.#pageBytes, this.size - start);
  }

  #bytesOf(slot: number, start: number): Uint8Array {
    const at = slot * this.#pageBytes;
    return this.#memory.bytes.subarray(at, at + this.#lengthAt(start));
  }

  /**
   * Use one slot more where most pages that are read were in memory before. Not from the beginning: what goes through few slots stays in
   * the processor's cache.
   */
  #growFor(start: number): void {
    const { uses } = this.#memory;
    if (this.#known === undefined || this.#slots === uses.length) return;
    const page = (start / this.#pageBytes) % this.#known.length;
    this.#loads++;
    this.#returns += this.#known[page]!;
    this.#known[page] = 1;
    if (2 * this.#returns > this.#loads) uses[this.#slots++] = 0;
  }

  /** Take a free slot for a page, or that of the page that was used longest ago. */
  #takeSlot(start: number): number {
    this.#growFor(start);
    const { starts, uses } = this.#memory;
    let slot = 0;
    for (let i = 1; i < uses.length; i++) if (uses[i]! < uses[slot]!) slot = i;
    if (slot * this.#pageBytes === this.#lastAt) this.#lastLength = 0;
    starts[slot] = -1;
    uses[slot] = IN_USE;
    return slot;
  }

  async #load(start: number): Promise<number> {
    const slot = this.#takeSlot(start);
    try {
      await this.#source.read(start, this.#bytesOf(slot, start));
    } catch (error) {
      this.#memory.uses[slot] = 0;
      throw error;
    }
    this.#use(slot, start);
    return slot;
  }

  /** A page that is not in memory, from a source that reads at once; −1 if it does not. */
  #loadSync(start: number): number {
    if (this.#source.readSync === undefined) return -1;
    const slot = this.#takeSlot(start);
    try {
      this.#source.readSync(start, this.#bytesOf(slot, start));
    } catch (error) {
      this.#memory.uses[slot] = 0;
      throw error;
    }
    this.#use(slot, start);
    return slot;
  }

  /** Put the page that begins at `start` into memory, if the source reads at once; for who uses the memory itself. */
  tryLoad(start: number): boolean {
    return this.#find(start) >= 0 || this.#loadSync(start) >= 0;
  }

  /** A page that is not in memory; when pages are asked for in order, the next one is read meanwhile. */
  async #fetch(start: number): Promise<number> {
    await this.#ahead;
    this.#ahead = undefined;
    let slot = this.#find(start);
    if (slot < 0) slot = await this.#load(start);
    const next = start + this.#pageBytes;
    const isInOrder = start === this.#lastFetched + this.#pageBytes;
    if (isInOrder && next < this.size && !this.#memory.starts.includes(next)) {
      // A failure is dropped: the read that wants the page tries again and tells.
      this.#ahead = this.#load(next).catch(() => {});
    }
    this.#lastFetched = start;
    return slot;
  }

  /** Wait until nothing is read any more: only then may its memory serve another purpose. */
  async settle(): Promise<void> {
    await this.#ahead;
  }

  /**
   * Fill `length` bytes of `into` from `at` on without a turn of the event loop: from cached pages, or, up to 256 KiB,
   * from a source that reads at once.
   *
   * @returns whether all of it is there; if not, that part of `into` may be filled in part.
   */
  tryRead(offset: number, into: Uint8Array, at = 0, length: number = into.length - at): boolean {
    const inLast = offset - this.#lastStart;
    if (inLast >= 0 && inLast + length <= this.#lastLength) {
      copyBytes(this.#memory.bytes, this.#lastAt + inLast, into, at, length);
      return true;
    }
    return this.#tryReadPages(offset, into, at, length);
  }

  #tryReadPages(offset: number, into: Uint8Array, at: number, length: number): boolean {
    const isShort = length <= MAX_SYNC_BYTES && offset + length <= this.size;
    if (isShort && length > this.#pageBytes && this.#source.readSync !== undefined) {
      this.#source.readSync(offset, into.subarray(at, at + length));
      return true;
    }
    for (let done = 0; done < length; ) {
      const inPage = (offset + done) % this.#pageBytes;
      const start = offset + done - inPage;
      let slot = this.#find(start);
      if (slot < 0 && isShort) slot = this.#loadSync(start);
      if (slot < 0) return false;
      const piece = Math.min(length - done, this.#lengthAt(start) - inPage);
      copyBytes(this.#memory.bytes, slot * this.#pageBytes + inPage, into, at + done, piece);
      done += piece;
    }
    return true;
  }

  /** Forget what was read: the source may hold other bytes now. The memory serves the pages that follow. */
  async forget(): Promise<void> {
    await this.#ahead;
    this.#ahead = undefined;
    this.#memory.starts.fill(-1);
    this.#memory.uses.fill(0, 0, this.#slots);
    this.#lastLength = 0;
    this.#lastFetched = -this.#pageBytes;
  }

  /** Reads longer than a page go to the source itself and leave the cache alone. Calls must not overlap. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.size, offset, into.length);
    if (into.length > this.#pageBytes) return this.#source.read(offset, into);
    for (let done = 0; done < into.length; ) {
      const inPage = (offset + done) % this.#pageBytes;
      const start = offset + done - inPage;
      let slot = this.#find(start);
      if (slot < 0) slot = await this.#fetch(start);
      const piece = this.#bytesOf(slot, start).subarray(inPage, inPage + into.length - done);
      into.set(piece, done);
      done += piece.length;
    }
  }
}

/** Fill `into` from a paged source, waiting only where the bytes are not at hand. */
export async function readPaged(source: PagedSource, offset: number, into: Uint8Array): Promise<void> {
  if (!source.tryRead(offset, into)) await source.read(offset, into);
}
