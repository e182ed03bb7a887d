const WINDOW_MS = 5000;
const SAMPLE_MS = 100;

/** Bytes a second over the last five seconds, from at most 51 samples. */
export class SlidingRate {
  readonly #samples: { atMs: number; bytes: number }[] = [];

  /** Begin anew: what follows is other work. */
  reset(): void {
    this.#samples.length = 0;
  }

  /**
   * Take in how far the work is.
   *
   * @param bytes - done so far; less than before begins anew.
   * @returns the rate, 0 while there is nothing to measure it by.
   */
  update(atMs: number, bytes: number): number {
    const samples = this.#samples;
    const last = samples.at(-1);
    if (last !== undefined && bytes < last.bytes) this.reset();
    while (samples.length > 1 && samples[1]!.atMs <= atMs - WINDOW_MS) samples.shift();
    const first = samples[0];
    if (samples.length === 0 || atMs - samples.at(-1)!.atMs >= SAMPLE_MS) samples.push({ atMs, bytes });
    if (first === undefined || atMs <= first.atMs) return 0;
    return ((bytes - first.bytes) * 1000) / (atMs - first.atMs);
  }
}
