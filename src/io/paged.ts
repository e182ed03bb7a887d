import { copyBytes, EMPTY_BYTES } from "../bytes/index.ts";
import { checkRange, type Source } from "./source.ts";

/** How large a page is, and how many are kept. */
export interface PageOptions {
  pageBytes?: number;
  pages?: number;
}

// 1 MiB in all. With pages of 256 KiB the ops of a large program, which come from several places in turn, read 1.1 GB of a
// file of 80 MB; pages of 8 to 64 KiB are equally fast.
const PAGE_BYTES = 1 << 15;
const PAGES = 32;

// What is longer is read while the calling thread does something else: here a read takes as long as two turns of the event loop.
const MAX_SYNC_BYTES = 1 << 18;

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
  readonly #pages: number;
  // A Map iterates in the order of insertion; a page that is used is inserted anew.
  readonly #cache = new Map<number, Uint8Array>();
  /** Memory of pages that were forgotten. */
  #spare: Uint8Array[] = [];
  // The page of the last read, which is mostly that of the next.
  #lastStart = 0;
  #lastPage: Uint8Array = EMPTY_BYTES;
  #lastFetched = -1;
  /** The page that is being read before it was asked for. */
  #ahead: { index: number; page: Promise<Uint8Array | undefined> } | undefined;

  constructor(source: Source, options: PageOptions = {}) {
    this.#source = source;
    this.size = source.size;
    this.#pageBytes = options.pageBytes ?? PAGE_BYTES;
    this.#pages = options.pages ?? PAGES;
  }

  #cached(index: number): Uint8Array | undefined {
    const page = this.#cache.get(index);
    if (page !== undefined && page !== this.#lastPage) {
      this.#cache.delete(index);
      this.#keep(index, page);
    }
    return page;
  }

  #keep(index: number, page: Uint8Array): void {
    this.#cache.set(index, page);
    this.#lastStart = index * this.#pageBytes;
    this.#lastPage = page;
  }

  /** Memory for a page, if need be that of the page that was used longest ago. */
  #takePage(index: number): Uint8Array {
    const length = Math.min(this.#pageBytes, this.size - index * this.#pageBytes);
    if (this.#cache.size >= this.#pages) {
      const [oldest, bytes] = this.#cache.entries().next().value!;
      this.#cache.delete(oldest);
      if (bytes === this.#lastPage) this.#lastPage = EMPTY_BYTES;
      if (bytes.length === length) return bytes;
    }
    const spare = this.#spare.pop();
    return spare?.length === length ? spare : new Uint8Array(length);
  }

  async #load(index: number): Promise<Uint8Array> {
    const page = this.#takePage(index);
    await this.#source.read(index * this.#pageBytes, page);
    this.#cache.set(index, page);
    return page;
  }

  /** A page that is not cached, from a source that reads at once. */
  #loadSync(index: number): Uint8Array | undefined {
    if (this.#source.readSync === undefined) return undefined;
    const page = this.#takePage(index);
    this.#source.readSync(index * this.#pageBytes, page);
    this.#keep(index, page);
    return page;
  }

  /** A page that is not cached; when pages are asked for in order, the next one is read meanwhile. */
  async #fetch(index: number): Promise<Uint8Array> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    let page = await ahead?.page;
    if (ahead?.index !== index || page === undefined) page = await this.#load(index);
    const next = index + 1;
    if (index === this.#lastFetched + 1 && next * this.#pageBytes < this.size && !this.#cache.has(next)) {
      // A failure is dropped: the read that wants the page tries again and tells.
      this.#ahead = { index: next, page: this.#load(next).catch(() => undefined) };
    }
    this.#lastFetched = index;
    return page;
  }

  /**
   * Fill `length` bytes of `into` from `at` on without a turn of the event loop: from cached pages, or, up to 256 KiB,
   * from a source that reads at once.
   *
   * @returns whether all of it is there; if not, that part of `into` may be filled in part.
   */
  tryRead(offset: number, into: Uint8Array, at = 0, length: number = into.length - at): boolean {
    const inLast = offset - this.#lastStart;
    if (inLast >= 0 && inLast + length <= this.#lastPage.length) {
      copyBytes(this.#lastPage, inLast, into, at, length);
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
      const index = Math.floor((offset + done) / this.#pageBytes);
      const page = this.#cached(index) ?? (isShort ? this.#loadSync(index) : undefined);
      if (page === undefined) return false;
      const from = offset + done - index * this.#pageBytes;
      const piece = Math.min(length - done, page.length - from);
      copyBytes(page, from, into, at + done, piece);
      done += piece;
    }
    return true;
  }

  /** Forget what was read: the source may hold other bytes now. The memory serves the pages that follow. */
  async forget(): Promise<void> {
    await this.#ahead?.page;
    this.#ahead = undefined;
    this.#spare = [...this.#cache.values()];
    this.#cache.clear();
    this.#lastPage = EMPTY_BYTES;
    this.#lastFetched = -1;
  }

  /** Reads longer than a page go to the source itself and leave the cache alone. Calls must not overlap. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.size, offset, into.length);
    if (into.length > this.#pageBytes) return this.#source.read(offset, into);
    for (let done = 0; done < into.length; ) {
      const index = Math.floor((offset + done) / this.#pageBytes);
      const page = this.#cached(index) ?? (await this.#fetch(index));
      const at = offset + done - index * this.#pageBytes;
      const piece = page.subarray(at, at + into.length - done);
      into.set(piece, done);
      done += piece.length;
    }
  }
}

/** Fill `into` from a paged source, waiting only where the bytes are not at hand. */
export async function readPaged(source: PagedSource, offset: number, into: Uint8Array): Promise<void> {
  if (!source.tryRead(offset, into)) await source.read(offset, into);
}
