import type { MatchColumns } from "../match/index.ts";
import type { PairMatching } from "./pair-matching.ts";

// So many bytes of pairs are in flight at most, so that the memory for a delta does not grow with the number of workers.
// The index of a basis comes on top: once to twice its size.
const MAX_FLIGHT_BYTES = 1 << 28;

/** One pair is worked on while the next is read. */
const PAIRS_PER_WORKER = 2;

/** Keeps a bounded number of pairs in flight. After a failure it takes no more. */
export class PairQueue {
  readonly #matching: PairMatching;
  readonly #signal: AbortSignal | undefined;
  /** Aborts what is in flight, be it that the caller wants it or that another pair failed. */
  readonly #controller = new AbortController();
  readonly #abort = (): void => this.#fail(this.#signal?.reason);
  #pairs = 0;
  #bytes = 0;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(matching: PairMatching, signal: AbortSignal | undefined) {
    this.#matching = matching;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) this.#abort();
  }

  /**
   * Wait until a pair of so many bytes in all may be read. One that is larger than the bound goes alone.
   *
   * @throws what made an earlier pair fail.
   */
  async makeRoom(bytes: number): Promise<void> {
    const most = this.#matching.concurrency * PAIRS_PER_WORKER;
    await this.#until(
      () => this.#pairs === 0 || (this.#pairs < most && this.#bytes + bytes <= MAX_FLIGHT_BYTES),
    );
  }

  /** Begin to match a pair, after {@link makeRoom}; the arrays are given away. `found` is called once it is matched. */
  push(target: Uint8Array, basis: Uint8Array, found: (columns: MatchColumns) => void): void {
    const bytes = target.length + basis.length;
    this.#pairs++;
    this.#bytes += bytes;
    this.#matching
      .match(target, basis, this.#controller.signal)
      .then(found)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#pairs--;
        this.#bytes -= bytes;
        this.#wake?.();
      });
  }

  /** Wait until all pairs are matched. */
  async finish(): Promise<void> {
    await this.#until(() => this.#pairs === 0);
  }

  /** Stop what is in flight. Needed in every case, after the last call. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#controller.abort(error);
    this.#wake?.();
  }

  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (condition()) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
