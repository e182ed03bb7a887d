import type { Source } from "../../io/index.ts";

// Columns in blocks of this many parts: one array that grows would leave its former selves to the garbage collector.
const BLOCK_BITS = 12;
const BLOCK_PARTS = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK_PARTS - 1;

/** What a part begins with, in packed memory or elsewhere; behind it are zeros up to the next part. */
export type PartHolder = Uint8Array | Source;

interface PartBlock {
  readonly holders: PartHolder[];
  readonly starts: Float64Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
}

/** The parts of an assembly in columns: an object for each would be as large as what most of them hold. */
export class PartTable {
  readonly #blocks: PartBlock[] = [];
  count = 0;

  /**
   * @param start - where in the assembly the part begins.
   * @param offset - of a part in memory: where in its holder, and how many bytes it has there when unpacked.
   */
  push(start: number, holder: PartHolder, offset = 0, length = 0): void {
    const at = this.count & BLOCK_MASK;
    if (at === 0) {
      this.#blocks.push({
        holders: [],
        starts: new Float64Array(BLOCK_PARTS),
        offsets: new Uint32Array(BLOCK_PARTS),
        lengths: new Uint32Array(BLOCK_PARTS),
      });
    }
    const block = this.#blocks[this.#blocks.length - 1]!;
    block.holders.push(holder);
    block.starts[at] = start;
    block.offsets[at] = offset;
    block.lengths[at] = length;
    this.count++;
  }

  #block(i: number): PartBlock {
    return this.#blocks[Math.floor(i / BLOCK_PARTS)]!;
  }

  start(i: number): number {
    return this.#block(i).starts[i & BLOCK_MASK]!;
  }

  holder(i: number): PartHolder {
    return this.#block(i).holders[i & BLOCK_MASK]!;
  }

  offset(i: number): number {
    return this.#block(i).offsets[i & BLOCK_MASK]!;
  }

  /** Bytes that the part has itself. */
  length(i: number): number {
    const holder = this.holder(i);
    return holder instanceof Uint8Array ? this.#block(i).lengths[i & BLOCK_MASK]! : holder.size;
  }

  /** Index of the part that holds the byte at `offset`. */
  find(offset: number): number {
    let low = 0;
    for (let high = this.count; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if (this.start(middle) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }
}
