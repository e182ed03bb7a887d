import { BlockTable } from "./block-table.ts";
import { checkSignature, type Signature } from "./signature.ts";

const NONE = -1;

/**
 * Finds the blocks of a basis by their hashes: full ones as {@link BlockTable} does, whose memory it takes, and the short last
 * one. The signature must not change.
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
  readonly #table: BlockTable;

  /** @throws RangeError when the parts of the signature do not fit each other. */
  constructor(signature: Signature) {
    checkSignature(signature);
    const { basisBytes, blockBytes, weakHashes, strongHashes } = signature;
    this.#signature = signature;
    this.blockBytes = blockBytes;
    this.fullBlocks = Math.floor(basisBytes / blockBytes);
    this.shortBlockBytes = basisBytes % blockBytes;
    this.weakHashes = weakHashes.subarray(0, this.fullBlocks);
    this.#table = new BlockTable(this.weakHashes, strongHashes.subarray(0, this.fullBlocks));
  }

  /**
   * Find a full block.
   *
   * @param weak - weak hash of the window.
   * @param strongOf - computes the window's strong hash; called at most once, and only if a weak hash fits.
   * @param preferredBlock - taken when it fits: the block after the last match, so that copies run on. −1 for none.
   * @returns the block's number, of several equal ones the first unless another is preferred; −1 when there is none.
   */
  find(weak: number, strongOf: () => bigint, preferredBlock?: number): number {
    return this.#table.find(weak, strongOf, preferredBlock);
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
