import { ErrorCode, LimitError } from "../errors.ts";

/** The error for more blocks than the caller allows. */
export function tooManyBlocks(blocks: number, limit: number): LimitError {
  return new LimitError(
    ErrorCode.COUNT_LIMIT,
    `expected at most ${limit} blocks, found ${blocks}; use larger blocks, or raise limits.blockCount and have 12 bytes of memory for each`,
    { expected: `at most ${limit}`, actual: String(blocks) },
  );
}

/** Weak and strong hashes of blocks, in arrays that grow by doubling. */
export class HashList {
  readonly #limit: number;
  #weak: Uint32Array;
  #strong: BigUint64Array;
  #length = 0;

  /**
   * @param expected - number of blocks if known, so that nothing is copied; at most 2^20 of them are believed.
   * @param limit - the most blocks that there may be.
   */
  constructor(expected: number, limit: number) {
    const capacity = Math.min(expected, limit, 2 ** 20);
    this.#limit = limit;
    this.#weak = new Uint32Array(capacity);
    this.#strong = new BigUint64Array(capacity);
  }

  /**
   * Make room for more blocks and let `fill` write their hashes at index 0 of the arrays it is given.
   *
   * @throws {@link LimitError} `COUNT_LIMIT` when there are more than the limit.
   */
  append(blocks: number, fill: (weak: Uint32Array, strong: BigUint64Array) => void): void {
    const length = this.#length + blocks;
    if (length > this.#limit) throw tooManyBlocks(length, this.#limit);
    if (length > this.#weak.length) this.#resize(Math.min(this.#limit, Math.max(length, 2 * this.#length)));
    fill(this.#weak.subarray(this.#length, length), this.#strong.subarray(this.#length, length));
    this.#length = length;
  }

  #resize(capacity: number): void {
    const weak = new Uint32Array(capacity);
    const strong = new BigUint64Array(capacity);
    weak.set(this.#weak.subarray(0, this.#length));
    strong.set(this.#strong.subarray(0, this.#length));
    this.#weak = weak;
    this.#strong = strong;
  }

  /** The hashes so far, in arrays of their exact length. */
  finish(): { weakHashes: Uint32Array; strongHashes: BigUint64Array } {
    if (this.#length < this.#weak.length) {
      return {
        weakHashes: this.#weak.slice(0, this.#length),
        strongHashes: this.#strong.slice(0, this.#length),
      };
    }
    return { weakHashes: this.#weak, strongHashes: this.#strong };
  }
}
