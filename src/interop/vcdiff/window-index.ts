// A COPY from the window takes three to five bytes.
const MIN_COPY_BYTES = 8;

const SEED_BYTES = 6;
const SLOT_BITS = 16;

/** Finds bytes that a target window has had before, for windows without secondary compression repeat themselves. */
export class WindowIndex {
  readonly #window: Uint8Array;
  readonly #slots = new Int32Array(1 << SLOT_BITS).fill(-1);

  constructor(window: Uint8Array) {
    this.#window = window;
  }

  /** Index the seed at `at`, and tell where one like it was last, or −1. */
  #exchange(at: number): number {
    const bytes = this.#window;
    const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const high = bytes[at + 3]! | (bytes[at + 4]! << 8) | (bytes[at + 5]! << 16);
    const slot = (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca77)) >>> (32 - SLOT_BITS);
    const found = this.#slots[slot]!;
    this.#slots[slot] = at;
    return found;
  }

  /**
   * Share out a range of the window: what was there before, and what is new between. Ranges must come in rising order.
   *
   * @param onNew - is given bytes that are new.
   * @param onSeen - is given where in the window the next bytes were first.
   */
  split(
    from: number,
    to: number,
    onNew: (bytes: Uint8Array) => void,
    onSeen: (windowOffset: number, length: number) => void,
  ): void {
    const bytes = this.#window;
    let done = from;
    for (let at = from; at + SEED_BYTES <= to; ) {
      const seen = this.#exchange(at);
      let length = 0;
      if (seen >= 0) while (at + length < to && bytes[seen + length] === bytes[at + length]) length++;
      if (length < MIN_COPY_BYTES) {
        at++;
        continue;
      }
      onNew(bytes.subarray(done, at));
      onSeen(seen, length);
      done = at + length;
      for (at++; at < done; at++) if (at + SEED_BYTES <= to) this.#exchange(at);
    }
    onNew(bytes.subarray(done, to));
  }
}
