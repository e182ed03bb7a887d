/** Runs pieces of work, a bounded number at a time, and lets a bounded number wait. */
export class JobQueue {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  readonly #jobs = new Set<Promise<unknown>>();
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many more pieces of work are taken now. */
  get room(): number {
    return this.#maxRunning - this.#running + this.#maxWaiting - this.#waiting.length;
  }

  /**
   * Run `work` when its turn comes.
   *
   * @returns what comes of it; nothing when there is no room.
   */
  add<Result>(work: () => Promise<Result>): Promise<Result> | undefined {
    if (this.room <= 0) return undefined;
    const job = this.#run(work);
    const settled = job.catch(() => {}).finally(() => this.#jobs.delete(settled));
    this.#jobs.add(settled);
    return job;
  }

  /** Wait until all work that was taken is at its end, however that is. */
  async idle(): Promise<void> {
    while (this.#jobs.size > 0) await Promise.all(this.#jobs);
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#maxRunning) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // The place goes to the next one, so that nobody who comes in between takes it.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
