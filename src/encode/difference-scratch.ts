/** Room for the longest difference taken at once. */
export const DIFFERENCE_BYTES = 1 << 16;

const LOW_BITS = 0x7f7f7f7f;
const HIGH_BITS = ~LOW_BITS;

/** Memory for some bytes of the target, those of the basis that are like them, and their differences. */
export class DifferenceScratch {
  readonly target = new Uint8Array(DIFFERENCE_BYTES);
  readonly basis = new Uint8Array(DIFFERENCE_BYTES);
  readonly residual = new Uint8Array(DIFFERENCE_BYTES);
  readonly #targetWords = new Int32Array(this.target.buffer);
  readonly #basisWords = new Int32Array(this.basis.buffer);
  readonly #residualWords = new Int32Array(this.residual.buffer);

  /** Subtract the first bytes of `basis` from those of `target`, each by itself modulo 256, four at a time. */
  subtract(length: number): void {
    const target = this.#targetWords;
    const basis = this.#basisWords;
    const residual = this.#residualWords;
    for (let i = 0, words = (length + 3) >> 2; i < words; i++) {
      const a = target[i]!;
      const b = basis[i]!;
      // No byte borrows from the next: each has its highest bit set, and gets the right one afterwards.
      residual[i] = ((a | HIGH_BITS) - (b & LOW_BITS)) ^ ((a ^ ~b) & HIGH_BITS);
    }
  }
}
