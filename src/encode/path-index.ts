import type { EntrySpan } from "./input.ts";

/**
 * Entries by their paths. Two images have most paths in common and in one order: whoever asks for those of one meets those of the other
 * one after another, and only something new needs a table of all.
 */
export class PathIndex {
  readonly #entries: readonly EntrySpan[];
  #places: Map<string, number> | undefined;
  /** Behind the entry that was found last. */
  #next = 0;

  constructor(entries: readonly EntrySpan[]) {
    this.#entries = entries;
  }

  /** The entry of a path. */
  find(path: string): EntrySpan | undefined {
    const place = this.#entries[this.#next]?.path === path ? this.#next : this.#look(path);
    if (place === undefined) return undefined;
    this.#next = place + 1;
    return this.#entries[place];
  }

  #look(path: string): number | undefined {
    this.#places ??= new Map(this.#entries.map((entry, place) => [entry.path, place]));
    return this.#places.get(path);
  }
}
