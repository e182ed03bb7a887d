import { seededRandom } from "../faults/random.ts";

/** Choices that a seed decides. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** An integer from 0 to `limit` - 1; 0 for a limit of 0. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** True once in `times` calls. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** A length that is short more often than long. */
  length(limit: number): number {
    return this.below(1 + this.below(limit + 1));
  }

  /** A number at which code goes wrong: near a power of two, near 0, or near `around`. */
  edge(around = 0): number {
    const near = this.pick([0, around, 2 ** this.below(54), 2 ** this.pick([7, 8, 14, 16, 31, 32, 52, 53])]);
    return near + this.below(5) - 2;
  }
}
