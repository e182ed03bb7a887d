import type { EntrySpan } from "./input.ts";
import { SKETCH_HASHES } from "./sketch.ts";

// A hash and the number of its file share one double, so that a sorted column is the whole index.
const FILE_BITS = 21;
const FILE_RANGE = 2 ** FILE_BITS;

// A shingle that so many files have (a licence's first lines) tells nothing about where a file comes from.
const MAX_SAME_HASH = 32;

/** Finds files by what their sketches have in common. It holds 128 bytes for each. */
export class SketchIndex {
  readonly #spans: EntrySpan[] = [];
  #column = new Float64Array(64 * SKETCH_HASHES);
  #size = 0;
  #sorted = true;

  /** Whether it holds no file. */
  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /** Add a file. Those beyond 2^21 are left out. */
  add(span: EntrySpan, sketch: Uint32Array): void {
    const number = this.#spans.length;
    if (number === FILE_RANGE) return;
    this.#spans.push(span);
    if (this.#size + sketch.length > this.#column.length) {
      const grown = new Float64Array(this.#column.length * 2);
      grown.set(this.#column);
      this.#column = grown;
    }
    for (const hash of sketch) this.#column[this.#size++] = hash * FILE_RANGE + number;
    this.#sorted = false;
  }

  /**
   * Find the files that share hashes with a sketch.
   *
   * @returns for each the hashes that it has, as a set of bits by their places in `sketch`; in no order that matters.
   */
  find(sketch: Uint32Array): Map<EntrySpan, number> {
    if (!this.#sorted) this.#column.subarray(0, this.#size).sort();
    this.#sorted = true;
    const found = new Map<EntrySpan, number>();
    sketch.forEach((hash, place) => {
      const from = this.#firstFrom(hash * FILE_RANGE);
      const end = this.#firstFrom((hash + 1) * FILE_RANGE);
      if (end - from > MAX_SAME_HASH) return;
      for (let at = from; at < end; at++) {
        const span = this.#spans[this.#column[at]! % FILE_RANGE]!;
        found.set(span, (found.get(span) ?? 0) | (1 << place));
      }
    });
    return found;
  }

  /** Place of the first entry that is `value` or more. */
  #firstFrom(value: number): number {
    let low = 0;
    for (let high = this.#size; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.#column[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
