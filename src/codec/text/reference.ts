/**
 * The decoder of `FORMAT.md` in plain TypeScript: slow, and written to be compared with the text. It is the oracle of the
 * WASM's tests; nothing else uses it.
 *
 * @module
 */
import {
  CounterTable,
  FRESH,
  hashContext,
  makeMaps,
  makeWeights,
  ReferenceCoder,
} from "../mixing-reference.ts";

const KEPT_BYTES = 2 ** 20;
const INDEX_BITS = 18;
const LINE_BITS = [13, 15, 16, 16, 16, 13, 13];
const SHIFT = 4;

/** The bytes so far, and which is expected. */
class MatchState {
  readonly #bytes = new Uint8Array(KEPT_BYTES);
  readonly #index = new Uint32Array(2 ** INDEX_BITS);
  #count = 0;
  #place = 0;
  #length = 0;

  /** c1, c2, … */
  before(back: number): number {
    return this.#at(this.#count - back);
  }

  get expected(): number {
    return this.#length === 0 ? 0 : this.#at(this.#place) + 1;
  }

  get class(): number {
    if (this.#length < 16) return this.#length;
    return this.#length < 32 ? 16 : this.#length < 64 ? 17 : 18;
  }

  get quarter(): number {
    if (this.#length === 0) return 0;
    return this.#length < 8 ? 1 : this.#length < 16 ? 2 : this.#length < 32 ? 3 : 4;
  }

  take(byte: number): void {
    if (this.#length !== 0) {
      if (this.#at(this.#place) === byte) {
        this.#place++;
        this.#length = Math.min(this.#length + 1, 64);
      } else this.#length = 0;
    }
    this.#bytes[this.#count % KEPT_BYTES] = byte;
    this.#count++;
    const [c1, c2, c3, c4, c5, c6] = [1, 2, 3, 4, 5, 6].map((back) => this.before(back)) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const slot = hashContext(c1 | (c2 << 8) | (c3 << 16) | (c4 << 24), c5 | (c6 << 8)) >>> (32 - INDEX_BITS);
    const found = this.#index[slot]!;
    if (this.#length === 0 && found !== 0) {
      let alike = 0;
      while (alike < 64 && this.#at(found - 1 - alike) === this.#at(this.#count - 1 - alike)) alike++;
      if (alike >= 6) {
        this.#place = found;
        this.#length = alike;
      }
    }
    this.#index[slot] = this.#count;
  }

  #at(place: number): number {
    return this.#bytes[place & (KEPT_BYTES - 1)]!;
  }
}

function isOfWord(byte: number): boolean {
  return byte >= 128 || /\w/u.test(String.fromCharCode(byte));
}

/** Decodes the segments of one stream. */
export class ReferenceTextDecoder {
  readonly #coder = new ReferenceCoder();
  readonly #tables = LINE_BITS.map((bits) => new CounterTable(bits, 16));
  readonly #agreements = new Uint16Array(64).fill(FRESH);
  readonly #weightsA = makeWeights(8 * 19);
  readonly #weightsB = makeWeights(8 * 256);
  readonly #maps = makeMaps(4 * 256);
  readonly #match = new MatchState();
  #word = 0;

  prime(history: Uint8Array): void {
    for (const byte of history) this.#codeByte(byte);
  }

  /** @throws {@link FormatError} `CORRUPT_BODY`. */
  decode(coded: Uint8Array, rawBytes: number): Uint8Array {
    if (rawBytes === 0) return new Uint8Array(0);
    this.#coder.start(coded);
    const raw = Uint8Array.from({ length: rawBytes }, () => this.#codeByte(undefined));
    this.#coder.finish();
    return raw;
  }

  #hashes(): number[] {
    const [c1, c2, c3, c4] = [1, 2, 3, 4].map((back) => this.#match.before(back)) as [
      number,
      number,
      number,
      number,
    ];
    const { expected, quarter } = this.#match;
    return [
      hashContext(c1, 1),
      hashContext(c1 | (c2 << 8), 2),
      hashContext(c1 | (c2 << 8) | (c3 << 16), 3),
      hashContext(c1 | (c2 << 8) | (c3 << 16) | (c4 << 24), 4),
      hashContext(this.#word, 5),
      hashContext(expected, quarter + (c1 << 8) + (6 << 16)),
      hashContext(0, 7),
    ];
  }

  /** @param known - the byte, where it is history. */
  #codeByte(known: number | undefined): number {
    const { expected, class: lengthClass } = this.#match;
    const hashes = this.#hashes();
    const c1 = this.#match.before(1);
    const sort = c1 < 48 ? 0 : c1 < 97 ? 1 : c1 < 128 ? 2 : 3;
    let node = 1;
    for (const half of [0, 1]) {
      const root = node;
      const lines = hashes.map((hash, j) =>
        this.#tables[j]!.find(Math.imul(hash + Math.imul(root, 0x9e3779b1), 0x85ebca6b) >>> 0),
      );
      let inTree = 1;
      for (let depth = 4 * half; depth < 4 * half + 4; depth++) {
        const agrees = expected !== 0 && (expected + 255) >> (8 - depth) === node;
        const agreed = agrees ? lengthClass : 0;
        const next = agrees ? ((expected - 1) >> (7 - depth)) & 1 : 0;
        const metBefore = lines.slice(0, 4).filter((line) => (line[inTree]! & 15) !== 0).length;
        // The counter stands where a line's would.
        const agreement = new Uint16Array(16).fill(this.#agreements[2 * agreed + next]!);
        const bit = this.#coder.decide(
          [...lines, agreement],
          inTree,
          this.#weightsA[8 * agreed + metBefore]!,
          this.#weightsB[256 * depth + c1]!,
          this.#maps[256 * sort + node]!,
          { shift: SHIFT, known: known === undefined ? undefined : (known >> (7 - depth)) & 1 },
        );
        this.#agreements[2 * agreed + next] = agreement[inTree]!;
        inTree = 2 * inTree + bit;
        node = 2 * node + bit;
      }
    }
    const byte = node & 255;
    this.#word = isOfWord(byte) ? hashContext(this.#word, byte + 256) : 0;
    this.#match.take(byte);
    return byte;
  }
}
