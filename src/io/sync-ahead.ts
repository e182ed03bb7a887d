// The flash of many devices takes that in less than a second.
const SYNC_AHEAD_BYTES = 1 << 24;

/**
 * Lets a disk begin with what is written while the rest is still being made: else the system keeps it in memory, and all of it is
 * waited for at the end.
 */
export class SyncAhead {
  readonly #sync: () => Promise<unknown>;
  readonly #everyBytes: number;
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;
  #isPossible = true;
  #failure: { error: unknown } | undefined;

  /** @param sync - makes durable what is written; it gives `false` where that cannot be, and is not to be tried again. */
  constructor(sync: () => Promise<unknown>, everyBytes: number = SYNC_AHEAD_BYTES) {
    this.#sync = sync;
    this.#everyBytes = everyBytes;
  }

  /** Say that so many bytes more are written. */
  note(bytes: number): void {
    this.#unsyncedBytes += bytes;
    if (this.#unsyncedBytes < this.#everyBytes || this.#syncing !== undefined || !this.#isPossible) return;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#run();
  }

  async #run(): Promise<void> {
    try {
      if ((await this.#sync()) === false) this.#isPossible = false;
    } catch (error) {
      this.#isPossible = false;
      this.#failure = { error };
    }
    this.#syncing = undefined;
  }

  /**
   * Wait for the disk where it is at work. What was written last may not be durable then.
   *
   * @throws what it failed with: Linux tells of a write that was lost only once, so that the sync that follows would not.
   */
  async settle(): Promise<void> {
    await this.#syncing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
