/**
 * The residual decoder of `FORMAT.md` in plain TypeScript: slow, and written to be compared with the text. It is the
 * oracle of the WASM's tests; nothing else uses it.
 *
 * @module
 */
import { ErrorCode, FormatError } from "../../errors.ts";

const CONTEXTS = 8;
const SQUASH_LIMIT = 2900;
const FRESH = 0x8000;
const COUNT_LIMIT = 14;
const HISTORY_BYTES = 64;
const FLAG_TABLE_BITS = 16;
const VALUE_TABLE_BITS = 14;

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

function squash(x: number): number {
  return SQUASH[x + SQUASH_LIMIT]!;
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

function clamp(low: number, x: number, high: number): number {
  return Math.max(low, Math.min(high, x));
}

function hashContext(a: number, b: number): number {
  const product = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b);
  return Math.imul(product ^ (product >>> 15), 0x2c1b3c6d);
}

/** The counters of one context: per entry a check and as many counters as a decision tree has nodes. */
class Table {
  readonly #checks: Uint16Array;
  readonly #counters: Uint16Array;
  readonly #bits: number;
  readonly #nodes: number;

  constructor(bits: number, nodes: number) {
    this.#checks = new Uint16Array(2 ** bits);
    this.#counters = new Uint16Array(nodes * 2 ** bits).fill(FRESH);
    this.#bits = bits;
    this.#nodes = nodes;
  }

  /** The counters of the context with this hash: what is learned from them is written through. */
  find(hash: number): Uint16Array {
    const mixed = hash ^ (hash >>> 13);
    const entry = mixed >>> (32 - this.#bits);
    const counters = this.#counters.subarray(entry * this.#nodes, (entry + 1) * this.#nodes);
    if (this.#checks[entry] !== (mixed & 0xffff)) {
      this.#checks[entry] = mixed & 0xffff;
      counters.fill(FRESH);
    }
    return counters;
  }
}

function makeTables(bits: number, nodes: number): Table[] {
  return Array.from({ length: CONTEXTS }, () => new Table(bits, nodes));
}

function makeWeights(sets: number): Int32Array[] {
  return Array.from({ length: sets }, () => new Int32Array(CONTEXTS).fill(1 << 14));
}

function makeMaps(rows: number): Uint16Array[] {
  const row = Uint16Array.from({ length: 25 }, (_, knot) =>
    squash(clamp(-SQUASH_LIMIT, knot * 256 - 3072, SQUASH_LIMIT)),
  );
  return Array.from({ length: rows }, () => row.slice());
}

/** A decoder as {@link createResidualDecoder} makes it. */
export class ReferenceDecoder {
  readonly #flagTables = makeTables(FLAG_TABLE_BITS, 1);
  readonly #valueTables = makeTables(VALUE_TABLE_BITS, 16);
  readonly #flagWeightsA = makeWeights(512);
  readonly #flagWeightsB = makeWeights(1024);
  readonly #valueWeightsA = makeWeights(256);
  readonly #valueWeightsB = makeWeights(1024);
  readonly #flagMaps = makeMaps(1024);
  readonly #valueMaps = makeMaps(2048);
  #flags = 0;
  #run = 0;
  #last = 0;
  #lastButOne = 0;
  #phase = 0;
  #fieldBasis = 0;
  #history = { basis: new Uint8Array(HISTORY_BYTES), residual: new Uint8Array(HISTORY_BYTES) };
  // The arithmetic decoder.
  #coded: Uint8Array = new Uint8Array(0);
  #at = 0;
  #low = 0;
  #high = 0xffffffff;
  #code = 0;

  decode(coded: Uint8Array, basis: Uint8Array): Uint8Array {
    const b = new Uint8Array(HISTORY_BYTES + basis.length + 16);
    b.set(this.#history.basis);
    b.set(basis, HISTORY_BYTES);
    const r = new Uint8Array(HISTORY_BYTES + basis.length);
    r.set(this.#history.residual);
    this.#coded = coded;
    this.#at = 0;
    if (basis.length > 0) {
      this.#low = 0;
      this.#high = 0xffffffff;
      this.#code = 0;
      for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#nextByte()) >>> 0;
      for (let i = 0; i < basis.length; i++) this.#decodeByte(i, b, r);
    }
    if (this.#at !== coded.length) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `expected ${this.#at} coded bytes of a residual, found ${coded.length}: it is damaged, or the basis is another`,
      );
    }
    this.#history = {
      basis: b.slice(basis.length, basis.length + HISTORY_BYTES),
      residual: r.slice(basis.length, basis.length + HISTORY_BYTES),
    };
    return r.slice(HISTORY_BYTES);
  }

  /** Decode `r[HISTORY_BYTES + i]`. */
  #decodeByte(i: number, b: Uint8Array, r: Uint8Array): void {
    const at = HISTORY_BYTES + i;
    const word = (from: number): number =>
      (b[from]! | (b[from + 1]! << 8) | (b[from + 2]! << 16) | (b[from + 3]! << 24)) >>> 0;
    const ahead = word(at);
    const b0 = b[at]!;
    const b1 = b[at + 1]!;
    const before = b[at - 1]!;
    const beforePair = b[at - 2]! | (before << 8);
    const [r1, r2] = [r[at - 1]!, r[at - 2]!];
    const carry = (before + r1) >> 8;
    const carries = carry | (((b[at - 2]! + r2) >> 8) << 1);
    const [flags, phase, last] = [this.#flags, this.#phase, this.#last];
    const step = stepOf(this.#run);

    const flagHashes = [
      hashContext(ahead >>> 12, flags & 1),
      hashContext((ahead >>> 16) | (before << 16), flags & 15),
      hashContext(r2 | (r1 << 8), carries | (phase << 4)),
      hashContext(b0 | (b1 << 8) | (r1 << 16), carries),
      hashContext(beforePair, flags & 15),
      hashContext(word(at + 1), flags & 7),
      hashContext(r[at - 4]! | (r[at - 8]! << 8), before | ((flags & 15) << 8)),
      hashContext(flags & 0xffff, phase),
    ];
    const flag = this.#decodeBit(
      flagHashes.map((hash, context) => this.#flagTables[context]!.find(hash)),
      0,
      this.#flagWeightsA[(flags & 7) | (step << 3) | (phase << 7)]!,
      this.#flagWeightsB[b0 | ((flags & 3) << 8)]!,
      this.#flagMaps[(flags & 255) | ((i & 3) << 8)]!,
    );

    if (flag === 1) {
      const field = phase > 0 ? this.#fieldBasis : ahead;
      let fieldDone = 0;
      for (let back = phase; back > 0; back--) fieldDone |= r[at - back]! << (8 * (phase - back));
      const place = carries | (phase << 4);
      const valueHashes = [
        hashContext(field >>> 16, fieldDone ^ (phase << 28)),
        hashContext(ahead >>> 12, r1 | (carry << 8)),
        hashContext(ahead >>> 8, flags & 3),
        hashContext(last, place),
        hashContext(0, 0),
        hashContext(last | (this.#lastButOne << 8), place),
        hashContext(beforePair, flags & 3),
        hashContext(b0, phase),
      ];
      const value = this.#decodeValue(valueHashes, carry, carries);
      r[at] = value;
      this.#lastButOne = last;
      this.#last = value;
      this.#run = 0;
    } else this.#run++;
    this.#flags = (flags << 1) | flag;
    if (phase > 0) this.#phase = (phase + 1) & 3;
    else if (flag === 1) {
      this.#phase = 1;
      this.#fieldBasis = ahead;
    }
  }

  #decodeValue(hashes: readonly number[], carry: number, carries: number): number {
    const setB = (this.#phase << 3) | (Math.min(this.#run, 4) << 5) | (carries << 8);
    const row = (carry << 8) | (this.#phase << 9);
    let node = 1;
    let lines: Uint16Array[] = [];
    for (let depth = 0; depth < 8; depth++) {
      if (depth === 0) lines = hashes.map((hash, context) => this.#valueTables[context]!.find(hash));
      if (depth === 4) {
        lines = hashes.map((hash, context) =>
          this.#valueTables[context]!.find(Math.imul(hash + Math.imul(node, 0x9e3779b1), 0x85ebca6b)),
        );
      }
      const inNibble = depth < 4 ? node : (node & ((1 << (depth - 4)) - 1)) | (1 << (depth - 4));
      const bit = this.#decodeBit(
        lines,
        inNibble,
        this.#valueWeightsA[node]!,
        this.#valueWeightsB[setB | depth]!,
        this.#valueMaps[row | node]!,
      );
      node = (node << 1) | bit;
    }
    return node & 255;
  }

  #decodeBit(
    counters: readonly Uint16Array[],
    node: number,
    weightsA: Int32Array,
    weightsB: Int32Array,
    map: Uint16Array,
  ): number {
    const inputs = counters.map((line) => STRETCH[line[node]! >> 4]!);
    const mixedA = dot(inputs, weightsA);
    const mixedB = dot(inputs, weightsB);
    const mixed = (mixedA + mixedB) >> 1;
    const knot = (mixed + 3072) >> 8;
    const share = (mixed + 3072) & 255;
    const refined = (map[knot]! * (256 - share) + map[knot + 1]! * share) >> 8;
    const bit = this.#decodeWith(clamp(1, (squash(mixed) + refined * 3 + 2) >> 2, 65_535));

    const wanted = bit * 65_535;
    learnWeights(inputs, wanted - squash(mixedA), weightsA);
    learnWeights(inputs, wanted - squash(mixedB), weightsB);
    const nearest = knot + (share >> 7);
    map[nearest]! += (wanted - map[nearest]!) >> 6;
    for (const line of counters) line[node] = learnCounter(line[node]!, bit);
    return bit;
  }

  #decodeWith(probability: number): number {
    const range = this.#high - this.#low;
    const middle =
      this.#low +
      Math.floor(range / 65_536) * probability +
      Math.floor(((range % 65_536) * probability) / 65_536);
    const bit = this.#code <= middle ? 1 : 0;
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (this.#low >>> 24 === this.#high >>> 24) {
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 255) >>> 0;
      this.#code = ((this.#code << 8) | this.#nextByte()) >>> 0;
    }
    return bit;
  }

  #nextByte(): number {
    const byte = this.#coded[this.#at++];
    if (byte !== undefined) return byte;
    throw new FormatError(
      ErrorCode.CORRUPT_BODY,
      `expected more coded bytes of a residual, found the end after ${this.#coded.length}: it is cut off or damaged`,
    );
  }
}

function stepOf(length: number): number {
  if (length < 4) return length;
  if (length < 512) return 33 - Math.clz32(length);
  return length < 1024 ? 10 : 11;
}

function dot(inputs: readonly number[], weights: Int32Array): number {
  let sum = 0;
  for (const [i, input] of inputs.entries()) sum += Math.imul(input, weights[i]!) >> 5;
  return clamp(-SQUASH_LIMIT, sum >> 11, SQUASH_LIMIT);
}

function learnWeights(inputs: readonly number[], error: number, weights: Int32Array): void {
  for (const [i, input] of inputs.entries()) {
    const moved = weights[i]! + ((input * error + 4096) >> 13);
    weights[i] = clamp(-(2 ** 19), moved, 2 ** 19);
  }
}

function learnCounter(counter: number, bit: number): number {
  const p = counter >> 4;
  const count = counter & 15;
  const rate = Math.floor(65_536 / (2 * count + 3));
  const moved = p + (((bit * 4095 - p) * rate + 0x4000) >> 15);
  return (moved << 4) | Math.min(count + 1, COUNT_LIMIT);
}
