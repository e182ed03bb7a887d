import { hashBytes, outWeight, rollHash, spreadHash } from "./rolling-hash.ts";

/** Length of a seed near the place where an alignment was lost. */
export const NEAR_SEED_BYTES = 8;

/** The weight of the byte that leaves the rolling hash of such a seed. */
export const NEAR_OUT_WEIGHT = outWeight(NEAR_SEED_BYTES);

// Every seed is indexed, this far ahead and back.
const NEAR_BYTES = 1 << 11;
const INDEX_BITS = 13;

/** Finds, around the place where the basis goes on, short seeds: where an alignment is lost, the next is mostly near. */
export class NearIndex {
  readonly #basis: Uint8Array;
  readonly #offsets = new Int32Array(1 << INDEX_BITS).fill(-1);
  /** The seeds that begin in this range of the basis are indexed. */
  #from = 0;
  #to = 0;

  constructor(basis: Uint8Array) {
    this.#basis = basis;
  }

  /** Index what is near `basisAt`, a place inside the basis. */
  moveTo(basisAt: number): void {
    const to = Math.min(basisAt + NEAR_BYTES, this.#basis.length - NEAR_SEED_BYTES + 1);
    if (to > this.#to || basisAt < this.#from) this.#index(Math.max(0, basisAt - NEAR_BYTES), to);
  }

  /** Offset of a seed near the place last moved to that may have this hash, or −1. */
  find(hash: number): number {
    return this.#offsets[slotOf(hash)]!;
  }

  #index(from: number, to: number): void {
    const start = from > this.#to || from < this.#from ? from : this.#to;
    if (start === from) this.#from = from;
    // A stretch ahead is indexed at once, so that moving on by a byte does not start the rolling hash again.
    const end = Math.min(to + NEAR_BYTES, this.#basis.length - NEAR_SEED_BYTES + 1);
    this.#to = Math.max(start, end);
    if (end <= start) return;
    const basis = this.#basis;
    const offsets = this.#offsets;
    let hash = hashBytes(basis, start, NEAR_SEED_BYTES);
    for (let at = start; ; ) {
      offsets[slotOf(hash)] = at;
      if (++at >= end) break;
      hash = rollHash(hash, basis[at + NEAR_SEED_BYTES - 1]!, basis[at - 1]!, NEAR_OUT_WEIGHT);
    }
  }
}

function slotOf(hash: number): number {
  return spreadHash(hash) >>> (32 - INDEX_BITS);
}
