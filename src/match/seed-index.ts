import { hashBytes, outWeight, rollHash, spreadHash } from "./rolling-hash.ts";

/** Length of a seed. */
export const SEED_BYTES = 16;

// One in every 8 bytes of the basis is indexed: a common run of 23 bytes holds a seed, of 64 bytes six, of which some may be
// lost to others in the same slot.
const SEED_STEP_BYTES = 8;

// So many positions are looked up at once: each is a cache miss, and a processor waits for many at the same time. An anchor
// is found after 17 on average.
const BATCH = 16;

const SEED_OUT_WEIGHT = outWeight(SEED_BYTES);
const HALF_OUT_WEIGHT = outWeight(SEED_STEP_BYTES);

/**
 * Where the seeds of a basis lie, by their hashes; of several in one slot the first.
 *
 * A slot holds the number of a seed, from 1 on, and above it as many bits of its hash as there is room for: they tell other
 * seeds of the slot apart without a look at the basis, which would be a cache miss more.
 */
export class SeedIndex {
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #numberBits: number;

  constructor(basis: Uint8Array) {
    const bits = Math.max(8, Math.min(26, Math.ceil(Math.log2((2 * basis.length) / SEED_STEP_BYTES + 1))));
    const shift = 32 - bits;
    const slots = new Int32Array(1 << bits);
    const lastNumber = Math.floor((basis.length - SEED_BYTES) / SEED_STEP_BYTES) + 1;
    // The upper bits of a hash choose the slot, so it is the lower ones that tell more.
    const numberBits = 32 - Math.clz32(lastNumber);
    // A seed is two steps: each step is hashed once and used twice.
    let after = hashBytes(basis, lastNumber * SEED_STEP_BYTES, SEED_STEP_BYTES);
    for (let number = lastNumber; number > 0; number--) {
      const step = hashBytes(basis, (number - 1) * SEED_STEP_BYTES, SEED_STEP_BYTES);
      const spread = spreadHash((Math.imul(step, HALF_OUT_WEIGHT) + after) | 0);
      slots[spread >>> shift] = (spread << numberBits) | number;
      after = step;
    }
    this.#slots = slots;
    this.#shift = shift;
    this.#numberBits = numberBits;
  }

  /**
   * Look up the seeds of `target` that begin at `at` and behind it.
   *
   * @param found - is filled with their offsets in the basis, −1 where there is none.
   */
  findAll(target: Uint8Array, at: number, found: Int32Array): void {
    const slots = this.#slots;
    const shift = this.#shift;
    const numberBits = this.#numberBits;
    const numberMask = ~(-1 << numberBits);
    let hash = hashBytes(target, at, SEED_BYTES);
    for (let i = 0; i < found.length; i++) {
      const spread = spreadHash(hash);
      const entry = slots[spread >>> shift]!;
      const number = entry & numberMask;
      found[i] =
        number > 0 && (entry ^ (spread << numberBits)) >>> numberBits === 0
          ? (number - 1) * SEED_STEP_BYTES
          : -1;
      hash = rollHash(hash, target[at + i + SEED_BYTES]!, target[at + i]!, SEED_OUT_WEIGHT);
    }
  }
}

/** Walks along a target and tells for each position where in the basis its seed is. */
export class SeedFinder {
  readonly #target: Uint8Array;
  readonly #index: SeedIndex;
  readonly #batch = new Int32Array(BATCH);
  /** Position of the batch's first answer; none is there yet. */
  #start = -BATCH;

  constructor(target: Uint8Array, index: SeedIndex) {
    this.#target = target;
    this.#index = index;
  }

  /** Offset of a seed that has most likely the hash of that at `at`, or −1. */
  find(at: number): number {
    if (at - this.#start >= BATCH || at < this.#start) {
      this.#index.findAll(this.#target, at, this.#batch);
      this.#start = at;
    }
    return this.#batch[at - this.#start]!;
  }
}
