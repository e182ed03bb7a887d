import { type LzInstance, releaseLz } from "./load.ts";

/** The most history that a coder takes, in bytes. */
export const MAX_LZ_HISTORY_BYTES = 2_097_152;

/** What is worked on at once, in bytes; no match crosses a multiple of it within a segment. */
export const PIECE_BYTES = 1_048_576;

/** @throws TypeError when a segment was coded already; RangeError when there is too much history. */
export function checkHistory(history: Uint8Array, begun: boolean): void {
  if (begun) throw new TypeError("expected history before the first segment, got it behind");
  if (history.length > MAX_LZ_HISTORY_BYTES) {
    throw new RangeError(`expected at most ${MAX_LZ_HISTORY_BYTES} bytes of history, got ${history.length}`);
  }
}

/** Gives the instance until it is closed. */
export class Holder {
  #instance: LzInstance | undefined;

  constructor(instance: LzInstance) {
    this.#instance = instance;
  }

  /** @throws TypeError after `close`. */
  get(): LzInstance {
    if (this.#instance === undefined)
      throw new TypeError("expected an open literal coder, this one is closed");
    return this.#instance;
  }

  close(): void {
    if (this.#instance !== undefined) releaseLz(this.#instance);
    this.#instance = undefined;
  }
}
