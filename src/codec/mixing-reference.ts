/**
 * What `MIXING.md` says, in plain TypeScript: slow, and written to be compared with the text. The reference decoders of the
 * codecs stand on it; they are the oracles of the WASM's tests, and nothing else uses them.
 *
 * @module
 */
import { ErrorCode, FormatError } from "../errors.ts";
import { ReferenceInterval } from "./interval-reference.ts";

/** Counters that each decision is predicted from. */
export const CONTEXTS = 8;

/** The range of the logistic domain. */
export const SQUASH_LIMIT = 2900;
/** A counter that knows nothing. */
export const FRESH = 0x8000;
const COUNT_LIMIT = 14;

function makeSquash(): Uint16Array {
  const table = new Uint16Array(2 * SQUASH_LIMIT + 1);
  const one = 2 ** 30;
  let falling = one;
  for (let x = 0; x <= SQUASH_LIMIT; x++) {
    const below = Math.max(
      1,
      Math.floor((falling * 65_536 + Math.floor((one + falling) / 2)) / (one + falling)),
    );
    table[SQUASH_LIMIT - x] = below;
    table[SQUASH_LIMIT + x] = 65_536 - below;
    falling = Math.floor((falling * 4_177_952) / 2 ** 22);
  }
  return table;
}

const SQUASH = makeSquash();

/** The probability, of 65,536, that belongs to `x`, which is brought within the limits before. */
export function squash(x: number): number {
  return SQUASH[clamp(-SQUASH_LIMIT, x, SQUASH_LIMIT) + SQUASH_LIMIT]!;
}

function makeStretch(): Int16Array {
  const table = new Int16Array(4096);
  let x = -SQUASH_LIMIT;
  for (let p = 0; p < 4096; p++) {
    while (x < SQUASH_LIMIT && squash(x) < p * 16 + 8) x++;
    table[p] = x;
  }
  return table;
}

const STRETCH = makeStretch();

/** What a counter predicts, in the logistic domain. */
export function stretch(counter: number): number {
  return STRETCH[counter >> 4]!;
}

/** `x` brought between `low` and `high`. */
export function clamp(low: number, x: number, high: number): number {
  return Math.max(low, Math.min(high, x));
}

/** `x` as an i16 holds it at most. */
export function saturate(x: number): number {
  return clamp(-32_768, x, 32_767);
}

/** The hash of the two words of a context, a u32. */
export function hashContext(a: number, b: number): number {
  const product = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b);
  return Math.imul(product ^ (product >>> 15), 0x2c1b3c6d) >>> 0;
}

/** The counters of one context: 2^bits entries of a check and `counters` counters, numbered from 0. */
export class CounterTable {
  readonly #checks: Uint16Array;
  readonly #counters: Uint16Array;
  readonly #bits: number;
  readonly #length: number;

  constructor(bits: number, counters: number) {
    this.#checks = new Uint16Array(2 ** bits);
    this.#counters = new Uint16Array(counters * 2 ** bits).fill(FRESH);
    this.#bits = bits;
    this.#length = counters;
  }

  /** The counters of the context with this hash: what is learned from them is written through. */
  find(hash: number): Uint16Array {
    const mixed = hash ^ (hash >>> 13);
    const entry = mixed >>> (32 - this.#bits);
    const counters = this.#counters.subarray(entry * this.#length, (entry + 1) * this.#length);
    if (this.#checks[entry] !== (mixed & 0xffff)) {
      this.#checks[entry] = mixed & 0xffff;
      counters.fill(FRESH);
    }
    return counters;
  }
}

/** A table for each context: lines for trees have 16 counters, of which the first is not used. */
export function makeTables(bits: number, counters: number, contexts = CONTEXTS): CounterTable[] {
  return Array.from({ length: contexts }, () => new CounterTable(bits, counters));
}

/** Weight sets that have learned nothing. */
export function makeWeights(sets: number): Int16Array[] {
  return Array.from({ length: sets }, () => new Int16Array(CONTEXTS).fill(1024));
}

/** Maps that give what they are given. */
export function makeMaps(rows: number): Uint16Array[] {
  const row = Uint16Array.from({ length: 25 }, (_, knot) => squash(knot * 256 - 3072));
  return Array.from({ length: rows }, () => row.slice());
}

/** What a map makes of a mixed prediction: between its two nearest knots. */
function refine(map: Uint16Array, mixed: number): number {
  const knot = (mixed + 3072) >> 8;
  const share = (mixed + 3072) & 255;
  return (map[knot]! * (256 - share) + map[knot + 1]! * share) >> 8;
}

function learnMap(map: Uint16Array, mixed: number, wanted: number): void {
  const nearest = (mixed + 3072 + 128) >> 8;
  map[nearest]! += (wanted - map[nearest]!) >> 6;
}

/** The arithmetic decoder, and the decisions. */
export class ReferenceCoder extends ReferenceInterval {
  /**
   * End a segment.
   *
   * @throws {@link FormatError} `CORRUPT_BODY` when it has not as many coded bytes as were read.
   */
  finish(): void {
    let bytes = 0;
    while (this.high - (this.high % 2 ** (32 - 8 * bytes)) < this.low) bytes++;
    const written = this.bytesRead - 4 + bytes;
    if (written !== this.coded.length) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `expected ${written} coded bytes, found ${this.coded.length}`,
      );
    }
  }

  /**
   * Decode a bit that counter number `node` of each of `lines` predicts.
   *
   * @param map - refines what was mixed; where there is none, that is taken as it is.
   * @param known - the bit, where it is only to be learned from.
   */
  decide(
    lines: readonly Uint16Array[],
    node: number,
    weightsA: Int16Array,
    weightsB: Int16Array,
    map?: Uint16Array,
    { shift = 2, known }: { shift?: number; known?: number | undefined } = {},
  ): number {
    const inputs = lines.map((line) => stretch(line[node]!));
    let sum = 0;
    for (const [j, x] of inputs.entries()) sum += x * saturate(weightsA[j]! + weightsB[j]!);
    const mixed = clamp(-SQUASH_LIMIT, sum >> 13, SQUASH_LIMIT);
    const plain = squash(mixed);
    const refined = map === undefined ? plain : refine(map, mixed);
    const bit = known ?? this.decodeBit(clamp(1, (plain + refined * 3 + 2) >> 2, 65_535));

    const wanted = bit * 65_535;
    const error = (wanted - plain) >> shift;
    for (const [j, x] of inputs.entries()) {
      const step = (x * error + 16_384) >> 15;
      weightsA[j] = saturate(weightsA[j]! + step);
      weightsB[j] = saturate(weightsB[j]! + step);
    }
    if (map !== undefined) learnMap(map, mixed, wanted);
    for (const line of lines) line[node] = learnCounter(line[node]!, bit, COUNT_LIMIT);
    return bit;
  }
}

/** A counter that has predicted `bit`; its count stops at `countLimit`. */
export function learnCounter(counter: number, bit: number, countLimit: number): number {
  const p = counter >> 4;
  const count = counter & 15;
  const rate = Math.floor(65_536 / (2 * count + 3));
  const moved = p + (((bit * 4095 - p) * rate + 0x4000) >> 15);
  return (moved << 4) | Math.min(count + 1, countLimit);
}
