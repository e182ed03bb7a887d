import type { Source, SourceRange } from "../io/index.ts";

/** Hashes that a sketch has at most. */
export const SKETCH_HASHES = 16;

// Each hash is of this many bytes: the shift pushes older ones out of its 32 bits.
const SHINGLE_BYTES = 32;

// A file of the same size as another large one hardly has its like elsewhere: its beginning says enough.
const MAX_SKETCHED_BYTES = 1 << 23;

/** How much of a file is held at once. */
const PIECE_BYTES = 1 << 18;

/** A number for each byte, of which the hash of a shingle is the sum, each shifted by its distance from the end. */
const GEAR = new Int32Array(256);
for (let byte = 0, state = 1; byte < 256; byte++) {
  state = (Math.imul(state, 0x915f77f5) + 0x6b43a9b5) | 0;
  GEAR[byte] = state ^ (state >>> 15);
}

/**
 * Gathers the sketch of a content: the smallest of the hashes of all its shingles (bottom-k: Broder 1997). The share of
 * hashes that two sketches have in common is about the share of shingles that their contents have in common.
 */
export class Sketcher {
  /** The smallest hashes so far, rising. */
  readonly #least = new Uint32Array(SKETCH_HASHES);
  #count = 0;
  #hash = 0;
  #seen = 0;

  /** Go on with the content's next bytes. */
  update(bytes: Uint8Array): void {
    let hash = this.#hash;
    let at = 0;
    for (const warm = Math.min(bytes.length, SHINGLE_BYTES - 1 - this.#seen); at < warm; at++) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      this.#seen++;
    }
    // Compared as they are, with the sign bit turned, so that the loop makes no unsigned numbers.
    let most = this.#mostToEnter();
    for (; at < bytes.length; at++) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      if (hash < most) {
        this.#enter((hash ^ 0x80000000) >>> 0);
        most = this.#mostToEnter();
      }
    }
    this.#hash = hash;
  }

  /** A hash below this, as a signed number, may enter. */
  #mostToEnter(): number {
    return this.#count < SKETCH_HASHES ? 0x7fffffff : (this.#least[SKETCH_HASHES - 1]! ^ 0x80000000) | 0;
  }

  #enter(value: number): void {
    const least = this.#least;
    let at = this.#count;
    while (at > 0 && least[at - 1]! > value) at--;
    if (at > 0 && least[at - 1] === value) return;
    least.copyWithin(at + 1, at, SKETCH_HASHES - 1);
    least[at] = value;
    if (this.#count < SKETCH_HASHES) this.#count++;
  }

  /** The sketch of all bytes so far: different numbers, rising; fewer than {@link SKETCH_HASHES} for little content. */
  digest(): Uint32Array {
    return this.#least.slice(0, this.#count);
  }
}

/** How much of a content its sketch looks at. */
export function sketchedBytes(contentBytes: number): number {
  return Math.min(contentBytes, MAX_SKETCHED_BYTES);
}

/** The sketch of a range of a source, or of its first 8 MiB; 256 KiB of it are held at once. */
export async function sketchRange(source: Source, { offset, length }: SourceRange): Promise<Uint32Array> {
  const sketcher = new Sketcher();
  const end = sketchedBytes(length);
  const buffer = new Uint8Array(Math.min(end, PIECE_BYTES));
  for (let done = 0; done < end; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, end - done));
    await source.read(offset + done, piece);
    sketcher.update(piece);
    done += piece.length;
  }
  return sketcher.digest();
}

/** Where contents are sketched: in this thread, or on others. */
export interface Sketching {
  /**
   * The sketch of each range, in their order.
   *
   * @param signal - when it is aborted the call rejects with its reason.
   */
  sketch(source: Source, ranges: readonly SourceRange[], signal?: AbortSignal): Promise<Uint32Array[]>;
}

/** Sketches in the calling thread. */
export const inlineSketching: Sketching = {
  sketch: async (source, ranges, signal) => {
    const sketches: Uint32Array[] = [];
    for (const range of ranges) {
      signal?.throwIfAborted();
      sketches.push(await sketchRange(source, range));
    }
    return sketches;
  },
};
