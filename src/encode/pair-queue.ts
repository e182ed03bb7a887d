import type { MatchColumns } from "../match/index.ts";
import { bytesOfPair, type Pair, type PairMatching, type PairSources } from "./pair-matching.ts";

// So many bytes of pairs are in flight at most, so that the memory for a delta does not grow with the number of workers.
// The index of a basis comes on top: once to twice its size.
const MAX_FLIGHT_BYTES = 1 << 28;

/** One batch is worked on while the next is made ready. */
const BATCHES_PER_WORKER = 2;

/** From here on several threads may share a pair, whose memory is taken when it is told. Less of a file is nothing but its place. */
const MIN_HELD_BYTES = 1 << 24;

// Most changed files are small: sending each away by itself takes longer than matching it.
const BATCH_BYTES = 1 << 20;

/** Gathers pairs in batches, and keeps a bounded number of these in flight. After a failure it takes no more. */
export class PairQueue {
  readonly #matching: PairMatching;
  readonly #sources: PairSources;
  readonly #reserve: () => (columns: MatchColumns) => void;
  readonly #signal: AbortSignal | undefined;
  /** Whether pairs that wait take no memory: then all may, so that they can be shared out well. */
  readonly #sendsPlaces: boolean;
  /** Aborts what is in flight, be it that the caller wants it or that another batch failed. */
  readonly #controller = new AbortController();
  readonly #abort = (): void => this.#fail(this.#signal?.reason);
  /** Batches in flight that take memory. */
  #held = 0;
  /** Bytes of all that are in flight. */
  #bytes = 0;
  /** The batch that is being gathered. */
  #batch: Pair[] = [];
  #batchBytes = 0;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** @param reserve - is called for each batch in its turn, and gives what takes the matches once they are found. */
  constructor(
    matching: PairMatching,
    sources: PairSources,
    reserve: () => (columns: MatchColumns) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#matching = matching;
    this.#sources = sources;
    this.#reserve = reserve;
    this.#signal = signal;
    this.#sendsPlaces =
      matching.concurrency > 1 &&
      sources.target.descriptor !== undefined &&
      sources.basis.descriptor !== undefined;
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) this.#abort();
  }

  /**
   * Add the next pair. Resolves when there is room for another; one that is larger than the bound goes alone.
   *
   * @throws what made an earlier pair fail.
   */
  async push(pair: Pair): Promise<void> {
    const bytes = bytesOfPair(pair);
    if (bytes >= BATCH_BYTES) await this.#send();
    this.#batch.push(pair);
    this.#batchBytes += bytes;
    if (this.#batchBytes >= BATCH_BYTES) await this.#send();
  }

  /** Begin to match what was gathered. */
  async #send(): Promise<void> {
    const [batch, bytes] = [this.#batch, this.#batchBytes];
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    const held = Number(!this.#sendsPlaces || bytes >= MIN_HELD_BYTES);
    const mostHeld = this.#matching.concurrency * BATCHES_PER_WORKER;
    await this.#until(
      () => this.#bytes === 0 || (this.#held + held <= mostHeld && this.#bytes + bytes <= MAX_FLIGHT_BYTES),
    );
    this.#held += held;
    this.#bytes += bytes;
    const found = this.#reserve();
    this.#matching
      .match(this.#sources, batch, this.#controller.signal)
      .then(found)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#held -= held;
        this.#bytes -= bytes;
        this.#wake?.();
      });
  }

  /** Wait until all pairs are matched. */
  async finish(): Promise<void> {
    await this.#send();
    await this.#until(() => this.#bytes === 0);
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
