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

/** How many slots the index of a basis of so many bytes has: at four bytes each, once to twice its size. */
export function countSlots(basisBytes: number): number {
  return 2 ** Math.max(8, Math.min(26, Math.ceil(Math.log2((2 * basisBytes) / SEED_STEP_BYTES + 1))));
}

const shiftOf = (slots: Int32Array): number => Math.clz32(slots.length) + 1;

const lastNumberOf = (basisBytes: number): number =>
  Math.floor((basisBytes - SEED_BYTES) / SEED_STEP_BYTES) + 1;

const numberBitsOf = (basisBytes: number): number => 32 - Math.clz32(lastNumberOf(basisBytes));

/** Index a basis of {@link SEED_BYTES} at least. The slots must be zeros. */
export function fillSlots(basis: Uint8Array, slots: Int32Array): void {
  const shift = shiftOf(slots);
  const lastNumber = lastNumberOf(basis.length);
  // The upper bits of a hash choose the slot, so it is the lower ones that tell more.
  const numberBits = numberBitsOf(basis.length);
  // A seed is two steps: each step is hashed once and used twice.
  let after = hashBytes(basis, lastNumber * SEED_STEP_BYTES, SEED_STEP_BYTES);
  for (let number = lastNumber; number > 0; number--) {
    const step = hashBytes(basis, (number - 1) * SEED_STEP_BYTES, SEED_STEP_BYTES);
    const spread = spreadHash((Math.imul(step, HALF_OUT_WEIGHT) + after) | 0);
    slots[spread >>> shift] = (spread << numberBits) | number;
    after = step;
  }
}

/** The index of a basis of {@link SEED_BYTES} at least. */
export function indexSeeds(basis: Uint8Array): SeedIndex {
  const slots = new Int32Array(countSlots(basis.length));
  fillSlots(basis, slots);
  return new SeedIndex(basis.length, slots);
}

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

  /**
   * @param basisBytes - length of the basis.
   * @param slots - what {@link fillSlots} filled for it, as many as {@link countSlots} says.
   */
  constructor(basisBytes: number, slots: Int32Array) {
    this.#slots = slots;
    this.#shift = shiftOf(slots);
    this.#numberBits = numberBitsOf(basisBytes);
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
