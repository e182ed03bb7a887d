/** The most blocks of one bucket. More would be blocks made to collide; those beyond are not found. */
const MAX_CHAIN = 64;
/** A fraction of the golden ratio: spreads weak hashes, whose low bits are weak, over the buckets. */
const SPREAD = 0x9e3779b1;
const NONE = -1;

/**
 * Finds blocks by their hashes, which are columns of equal length and must not change.
 *
 * Equal blocks are kept once, so a basis of zeros costs no more than any other. Memory is 12 to 20 bytes a block beside
 * the columns. Building takes about 30 ns a block.
 */
export class BlockTable {
  readonly #weakHashes: Uint32Array;
  readonly #strongHashes: BigUint64Array;
  /** First block of each bucket, and the next one in the bucket for each block. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #shift: number;

  constructor(weakHashes: Uint32Array, strongHashes: BigUint64Array) {
    this.#weakHashes = weakHashes;
    this.#strongHashes = strongHashes;
    const blocks = weakHashes.length;
    const bucketBits = Math.max(1, Math.ceil(Math.log2(2 * blocks + 1)));
    this.#shift = 32 - bucketBits;
    this.#heads = new Int32Array(2 ** bucketBits).fill(NONE);
    this.#next = new Int32Array(blocks).fill(NONE);
    for (let block = 0; block < blocks; block++) this.#insert(block);
  }

  #bucket(weak: number): number {
    return Math.imul(weak, SPREAD) >>> this.#shift;
  }

  /** Put a block at its bucket's end, unless an equal one is there or the bucket is full. */
  #insert(block: number): void {
    const weakHashes = this.#weakHashes;
    const strongHashes = this.#strongHashes;
    const weak = weakHashes[block]!;
    const bucket = this.#bucket(weak);
    let last = NONE;
    let chain = 0;
    for (let other = this.#heads[bucket]!; other !== NONE; other = this.#next[other]!) {
      if (weakHashes[other] === weak && strongHashes[other] === strongHashes[block]) return;
      if (++chain === MAX_CHAIN) return;
      last = other;
    }
    if (last === NONE) this.#heads[bucket] = block;
    else this.#next[last] = block;
  }

  /**
   * Find a block.
   *
   * @param weak - weak hash of the window.
   * @param strongOf - computes the window's strong hash; called at most once, and only if a weak hash fits.
   * @param preferredBlock - taken when it fits: the block after the last match, so that copies run on. −1 for none.
   * @returns the block's number, of several equal ones the first unless another is preferred; −1 when there is none.
   */
  find(weak: number, strongOf: () => bigint, preferredBlock = NONE): number {
    const weakHashes = this.#weakHashes;
    const strongHashes = this.#strongHashes;
    let strong: bigint | undefined;
    if (preferredBlock >= 0 && preferredBlock < weakHashes.length && weakHashes[preferredBlock] === weak) {
      strong = strongOf();
      if (strongHashes[preferredBlock] === strong) return preferredBlock;
    }
    for (let block = this.#heads[this.#bucket(weak)]!; block !== NONE; block = this.#next[block]!) {
      if (weakHashes[block] !== weak) continue;
      strong ??= strongOf();
      if (strongHashes[block] === strong) return block;
    }
    return NONE;
  }
}
