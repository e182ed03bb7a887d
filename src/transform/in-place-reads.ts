import { ErrorCode, LimitError } from "../errors.ts";

// What this class and the plan keep for each block of the target, and for each step that reads a block.
const MEMORY_PER_BLOCK = 24;
const MEMORY_PER_READ = 4;

/** What a target is cut into when it is made in place of its basis. */
export interface InPlaceLayout {
  basisBytes: number;
  targetBytes: number;
  /** Bytes of target that one step makes: a multiple of `blockBytes`. */
  stepBytes: number;
  /** The unit in which old bytes are kept, stashed and overwritten. */
  blockBytes: number;
}

/**
 * Which blocks of the basis each step of an in-place update reads, of those that some step overwrites.
 *
 * Maker and applier of a delta gather the same reads, one from matches and one from ops, and so come to the same
 * {@link InPlacePlan}, which is then sent at no cost.
 */
export class InPlaceReads {
  readonly layout: InPlaceLayout;
  readonly stepCount: number;
  /** Blocks of the target. */
  readonly blockCount: number;
  /** For each block: how many steps read what is there before it is overwritten. */
  readonly readers: Uint32Array;
  /** For each block whether the target has there what the basis has: it is never written. */
  readonly kept: Uint8Array;
  /** For each block whether the step that overwrites it reads it too. */
  readonly selfRead: Uint8Array;
  readonly #blocksPerStep: number;
  /** The blocks that the steps read, step after step, and where those of each begin. */
  #blocks = new Uint32Array(1 << 10);
  #size = 0;
  readonly #starts: Float64Array;
  /** The step, plus one, that was the last to read each block. */
  readonly #lastReader: Uint32Array;
  #step = 0;
  /** The block whose bytes are being copied from where they are, and how many of them so far. */
  #sameBlock = -1;
  #sameBytes = 0;
  readonly #maxMemoryBytes: number;
  readonly #maxReads: number;

  /**
   * @param maxMemoryBytes - bound of the memory that this and the plan take.
   * @throws {@link LimitError} `MEMORY_LIMIT`, here and while reads are added.
   */
  constructor(layout: InPlaceLayout, maxMemoryBytes: number = Number.POSITIVE_INFINITY) {
    const { targetBytes, stepBytes, blockBytes } = layout;
    const blocksMemory = MEMORY_PER_BLOCK * Math.ceil(targetBytes / blockBytes);
    if (blocksMemory > maxMemoryBytes) throw planTooLarge(maxMemoryBytes);
    this.#maxMemoryBytes = maxMemoryBytes;
    this.#maxReads = (maxMemoryBytes - blocksMemory) / MEMORY_PER_READ;
    this.layout = layout;
    this.stepCount = Math.ceil(targetBytes / stepBytes);
    this.blockCount = Math.ceil(targetBytes / blockBytes);
    this.#blocksPerStep = stepBytes / blockBytes;
    this.readers = new Uint32Array(this.blockCount);
    this.kept = new Uint8Array(this.blockCount);
    this.selfRead = new Uint8Array(this.blockCount);
    this.#lastReader = new Uint32Array(this.blockCount);
    this.#starts = new Float64Array(this.stepCount + 1);
  }

  /** The step that makes a block of the target. */
  stepOf(block: number): number {
    return Math.floor(block / this.#blocksPerStep);
  }

  /** The first block of a step; of the one behind the last, the number of blocks. */
  firstBlockOf(step: number): number {
    return Math.min(step * this.#blocksPerStep, this.blockCount);
  }

  /** The blocks that a step reads, once {@link finish} was called. */
  blocksOf(step: number): Uint32Array {
    return this.#blocks.subarray(this.#starts[step]!, this.#starts[step + 1]!);
  }

  /**
   * Say that target bytes are made from basis bytes. Ranges come in the order of the target.
   *
   * @param isCopy - whether they are those bytes, unchanged.
   */
  add(targetOffset: number, basisOffset: number, length: number, isCopy: boolean): void {
    const { stepBytes } = this.layout;
    for (let done = 0; done < length; ) {
      const at = targetOffset + done;
      const step = Math.floor(at / stepBytes);
      const piece = Math.min(length - done, (step + 1) * stepBytes - at);
      this.#enter(step);
      if (isCopy && at === basisOffset + done) this.#addSame(at, piece);
      else this.#addRange(basisOffset + done, piece);
      done += piece;
    }
  }

  #enter(step: number): void {
    if (step === this.#step) return;
    this.#endSame();
    while (this.#step < step) this.#starts[++this.#step] = this.#size;
  }

  #addRange(basisOffset: number, length: number): void {
    const { blockBytes } = this.layout;
    const last = Math.min(Math.floor((basisOffset + length - 1) / blockBytes), this.blockCount - 1);
    for (let block = Math.floor(basisOffset / blockBytes); block <= last; block++) this.#addBlock(block);
  }

  #addBlock(block: number): void {
    if (this.#lastReader[block] === this.#step + 1) return;
    this.#lastReader[block] = this.#step + 1;
    if (this.#size === this.#blocks.length) {
      const grown = new Uint32Array(this.#blocks.length * 2);
      grown.set(this.#blocks);
      this.#blocks = grown;
    }
    if (this.#size >= this.#maxReads) throw planTooLarge(this.#maxMemoryBytes);
    this.#blocks[this.#size++] = block;
    this.readers[block]!++;
    if (this.stepOf(block) === this.#step) this.selfRead[block] = 1;
  }

  /** Bytes that stay where they are: a block that is nothing else is kept, any other reads itself. */
  #addSame(offset: number, length: number): void {
    const { blockBytes, targetBytes } = this.layout;
    for (let done = 0; done < length; ) {
      const block = Math.floor((offset + done) / blockBytes);
      const end = Math.min((block + 1) * blockBytes, targetBytes);
      const piece = Math.min(length - done, end - offset - done);
      if (block !== this.#sameBlock) {
        this.#endSame();
        this.#sameBlock = block;
      }
      this.#sameBytes += piece;
      if (this.#sameBytes === end - block * blockBytes) {
        this.kept[block] = 1;
        this.#sameBlock = -1;
        this.#sameBytes = 0;
      }
      done += piece;
    }
  }

  #endSame(): void {
    if (this.#sameBlock >= 0) this.#addBlock(this.#sameBlock);
    this.#sameBlock = -1;
    this.#sameBytes = 0;
  }

  /** Say that all ranges were added. */
  finish(): this {
    this.#enter(this.stepCount);
    return this;
  }
}

function planTooLarge(limit: number): LimitError {
  return new LimitError(
    ErrorCode.MEMORY_LIMIT,
    `planning the update in place takes more than the ${limit} bytes of memory that are allowed; raise limits.planBytes, or apply the delta as a stream`,
  );
}
