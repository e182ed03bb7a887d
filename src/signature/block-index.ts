import { checkSignature, type Signature } from "./signature.ts";

/** The most blocks of one bucket. More would be blocks made to collide; those beyond are not found. */
const MAX_CHAIN = 64;
/** A fraction of the golden ratio: spreads weak hashes, whose low bits are weak, over the buckets. */
const SPREAD = 0x9e3779b1;
const NONE = -1;

/**
 * Finds the blocks of a basis by their hashes.
 *
 * Equal blocks are kept once, so a basis of zeros costs no more than any other. Memory is 12 to 20 bytes a block beside
 * the signature, which must not change. Building takes about 30 ns a block.
 */
export class BlockIndex {
  /** Size of a block. */
  readonly blockBytes: number;
  /** Number of full blocks; they are numbered from 0. */
  readonly fullBlocks: number;
  /** Size of the short last block, whose number is `fullBlocks`; 0 when there is none. */
  readonly shortBlockBytes: number;
  /** Weak hashes of the full blocks: what a scan looks for. */
  readonly weakHashes: Uint32Array;

  readonly #signature: Signature;
  /** First block of each bucket, and the next one in the bucket for each block. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #shift: number;

  /** @throws RangeError when the parts of the signature do not fit each other. */
  constructor(signature: Signature) {
    checkSignature(signature);
    const { basisBytes, blockBytes, weakHashes } = signature;
    this.#signature = signature;
    this.blockBytes = blockBytes;
    this.fullBlocks = Math.floor(basisBytes / blockBytes);
    this.shortBlockBytes = basisBytes % blockBytes;
    this.weakHashes = weakHashes.subarray(0, this.fullBlocks);
    const bucketBits = Math.max(1, Math.ceil(Math.log2(2 * this.fullBlocks + 1)));
    this.#shift = 32 - bucketBits;
    this.#heads = new Int32Array(2 ** bucketBits).fill(NONE);
    this.#next = new Int32Array(this.fullBlocks).fill(NONE);
    for (let block = 0; block < this.fullBlocks; block++) this.#insert(block);
  }

  #bucket(weak: number): number {
    return Math.imul(weak, SPREAD) >>> this.#shift;
  }

  /** Put a block at its bucket's end, unless an equal one is there or the bucket is full. */
  #insert(block: number): void {
    const { weakHashes, strongHashes } = this.#signature;
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
   * Find a full block.
   *
   * @param weak - weak hash of the window.
   * @param strongOf - computes the window's strong hash; called at most once, and only if a weak hash fits.
   * @param preferredBlock - taken when it fits: the block after the last match, so that copies run on. −1 for none.
   * @returns the block's number, of several equal ones the first unless another is preferred; −1 when there is none.
   */
  find(weak: number, strongOf: () => bigint, preferredBlock = NONE): number {
    const { weakHashes, strongHashes } = this.#signature;
    let strong: bigint | undefined;
    if (preferredBlock >= 0 && preferredBlock < this.fullBlocks && weakHashes[preferredBlock] === weak) {
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

  /**
   * Whether a window of `shortBlockBytes` is the short last block.
   *
   * @param weak - weak hash of the window.
   * @param strongOf - computes the window's strong hash.
   * @returns the block's number, `fullBlocks`; −1 when it is not, or when there is no short block.
   */
  findShort(weak: number, strongOf: () => bigint): number {
    const { weakHashes, strongHashes } = this.#signature;
    const block = this.fullBlocks;
    if (this.shortBlockBytes === 0 || weakHashes[block] !== weak) return NONE;
    return strongHashes[block] === strongOf() ? block : NONE;
  }
}
