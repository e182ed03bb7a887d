/**
 * The literal decoder of `FORMAT.md` in plain TypeScript: slow, and written to be compared with the text. It is the oracle
 * of the WASM's tests; nothing else uses it.
 *
 * @module
 */
import { ErrorCode, FormatError } from "../../errors.ts";
import {
  CounterTable,
  clamp,
  FRESH,
  hashContext,
  learnCounter,
  makeMaps,
  SQUASH_LIMIT,
  saturate,
  squash,
  stretch,
} from "../mixing-reference.ts";

const COUNT_LIMIT = 15;
const PIECE_BYTES = 1_048_576;

/** Groups of counters by number, made when they are first asked for. */
class Counters {
  readonly #groups = new Map<number, Uint16Array>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  group(number: number): Uint16Array {
    let group = this.#groups.get(number);
    if (group === undefined) {
      group = new Uint16Array(this.#size).fill(FRESH);
      this.#groups.set(number, group);
    }
    return group;
  }
}

/** A place in a group of counters. */
type Input = readonly [group: Uint16Array, index: number];

function makeWeights(sets: number, inputs: number): Int16Array[] {
  // Decisions of 6 inputs add two sets.
  return Array.from({ length: sets }, () => new Int16Array(inputs).fill(inputs === 6 ? 2048 : 4096));
}

const REP = { ANY: 0, NOT_0: 1, LONG_0: 2, NOT_1: 3, NOT_2: 4 } as const;

/** A decoder as {@link createLzDecoder} makes it, without a bound to its window. */
export class ReferenceDecoder {
  readonly #matchContexts = [new Counters(1), new Counters(1), new Counters(1), new Counters(1)];
  readonly #matchTables = [new CounterTable(16, 1), new CounterTable(16, 1)];
  readonly #matchWeightsA = makeWeights(64, 6);
  readonly #matchWeightsB = makeWeights(256, 6);
  readonly #matchMaps = makeMaps(256);
  readonly #repContexts = [new Counters(1), new Counters(1), new Counters(1), new Counters(1)];
  readonly #repWeights = makeWeights(80, 4);
  readonly #lengthContexts = [new Counters(32), new Counters(32), new Counters(32), new Counters(32)];
  readonly #lengthWeights = makeWeights(64, 4);
  readonly #lengthTops = new Counters(8);
  readonly #slotContexts = [new Counters(64), new Counters(64), new Counters(64), new Counters(64)];
  readonly #slotWeights = makeWeights(256, 4);
  readonly #distanceTops = new Counters(8);
  readonly #lowContexts = [new Counters(16), new Counters(16), new Counters(16), new Counters(16)];
  readonly #lowWeights = makeWeights(16, 4);
  readonly #literalContexts = [new Counters(16), new Counters(16), new Counters(16)];
  readonly #literalTables = [new CounterTable(15, 16), new CounterTable(15, 16), new CounterTable(15, 16)];
  readonly #literalWeightsA = makeWeights(768, 6);
  readonly #literalWeightsB = makeWeights(48, 6);
  readonly #literalMaps = makeMaps(1536);

  #made: number[] = [];
  #state = 0;
  #reps = [1, 1, 1, 1];
  #literalRun = 0;
  #lastLengthSlot = 0;
  #lastDistanceSlot = 0;
  /** The byte that is learned from and not decoded, while the history is taken. */
  #known: number | undefined;

  // The arithmetic decoder.
  #coded: Uint8Array = new Uint8Array(0);
  #at = 0;
  #low = 0;
  #high = 0xffffffff;
  #code = 0;

  prime(history: Uint8Array): void {
    for (const byte of history) {
      this.#known = byte;
      this.#decodeLiteral();
    }
    this.#known = undefined;
  }

  decode(coded: Uint8Array, rawBytes: number): Uint8Array {
    const begin = this.#made.length;
    if (rawBytes > 0) {
      this.#coded = coded;
      this.#at = 0;
      this.#low = 0;
      this.#high = 0xffffffff;
      this.#code = 0;
      for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#nextByte()) >>> 0;
      for (let done = 0; done < rawBytes; done += PIECE_BYTES) {
        this.#decodePiece(begin + Math.min(done + PIECE_BYTES, rawBytes));
      }
      if (this.#at - 3 !== coded.length || coded.at(-1) !== (this.#low >>> 24) + 1) throw corrupt();
    } else if (coded.length > 0) throw corrupt();
    return Uint8Array.from(this.#made.slice(begin));
  }

  #decodePiece(end: number): void {
    while (this.#made.length < end) {
      if (this.#decodeMatchFlag() === 0) this.#decodeLiteral();
      else this.#decodeMatch(end);
    }
  }

  /** The byte `back` places before the next one; 0 before the first. */
  #before(back: number): number {
    return this.#made[this.#made.length - back] ?? 0;
  }

  #decodeMatch(end: number): void {
    const after = this.#state < 7 ? 0 : 1;
    let length = 1;
    let next: number;
    if (this.#decodeRepFlag(REP.ANY) === 1) {
      if (this.#decodeRepFlag(REP.NOT_0) === 0) {
        if (this.#decodeRepFlag(REP.LONG_0) === 1) {
          length = this.#decodeLength(1);
          next = [8, 11][after]!;
        } else next = [9, 11][after]!;
      } else {
        const index = this.#decodeRepFlag(REP.NOT_1) === 0 ? 1 : this.#decodeRepFlag(REP.NOT_2) === 0 ? 2 : 3;
        this.#reps.unshift(...this.#reps.splice(index, 1));
        length = this.#decodeLength(1);
        next = [8, 11][after]!;
      }
    } else {
      length = this.#decodeLength(0);
      this.#reps = [this.#decodeDistance(length), ...this.#reps.slice(0, 3)];
      next = [7, 10][after]!;
    }
    const distance = this.#reps[0]!;
    if (distance > this.#made.length || length > end - this.#made.length) throw corrupt();
    for (let i = 0; i < length; i++) this.#made.push(this.#before(distance));
    this.#state = next;
    this.#literalRun = 0;
  }

  #decodeMatchFlag(): number {
    const [c1, c2, c3] = [this.#before(1), this.#before(2), this.#before(3)];
    const m = this.#before(this.#reps[0]!);
    const place = this.#state * 4 + (this.#made.length & 3);
    const run = Math.min(this.#literalRun, 15);
    return this.#mix(
      [
        [this.#matchContexts[0]!.group(place), 0],
        [this.#matchContexts[1]!.group(this.#state * 256 + c1), 0],
        [this.#matchTables[0]!.find(hashContext(c1 | (c2 << 8), this.#state)), 0],
        [this.#matchTables[1]!.find(hashContext(c1 | (c2 << 8) | (c3 << 16), m)), 0],
        [this.#matchContexts[2]!.group(m * 256 + c1), 0],
        [this.#matchContexts[3]!.group(run * 32 + this.#lastLengthSlot), 0],
      ],
      this.#matchWeightsA[place]!,
      this.#matchWeightsB[c1]!,
      this.#matchMaps[this.#state * 16 + run]!,
    );
  }

  #decodeRepFlag(kind: number): number {
    const run = Math.min(this.#literalRun, 3);
    const m = this.#before(this.#reps[0]!);
    const [a, b, c, d] = this.#repContexts;
    return this.#mixSmall(
      [
        [a!.group(kind * 16 + this.#state), 0],
        [b!.group(kind * 256 + this.#before(1)), 0],
        [c!.group(kind * 512 + m * 2 + (this.#state >= 7 ? 1 : 0)), 0],
        [d!.group(kind * 128 + this.#lastLengthSlot * 4 + run), 0],
      ],
      this.#repWeights[kind * 16 + this.#state]!,
    );
  }

  #decodeLength(rep: 0 | 1): number {
    const m = this.#before(this.#reps[0]!);
    const [a, b, c, d] = this.#lengthContexts;
    const groups = [
      a!.group(rep * 4 + (this.#made.length & 3)),
      b!.group(rep * 16 + this.#state),
      c!.group(rep * 256 + this.#before(1)),
      d!.group(rep * 1024 + (rep === 1 ? m : 256 + this.#lastLengthSlot)),
    ];
    const slot = this.#decodeTree(groups, 5, this.#lengthWeights, rep * 32);
    this.#lastLengthSlot = slot;
    if (slot < 16) return slot + 2;
    const bits = Math.floor(slot / 2) - 5;
    return (2 + (slot & 1)) * 2 ** bits + this.#decodeTop(this.#lengthTops.group(slot), bits) + 2;
  }

  #decodeDistance(length: number): number {
    const from = Math.min(length - 2, 3);
    const [a, b, c, d] = this.#slotContexts;
    const pair = this.#before(1) | (this.#before(2) << 8);
    const groups = [
      a!.group(from),
      b!.group(from * 256 + this.#before(1)),
      c!.group(from * 64 + this.#lastDistanceSlot),
      d!.group(hashContext(pair, Math.min(length, 6)) >>> 20),
    ];
    const slot = this.#decodeTree(groups, 6, this.#slotWeights, from * 64);
    this.#lastDistanceSlot = slot;
    if (slot < 4) return slot + 1;
    const bits = Math.floor(slot / 2) - 1;
    const top = (2 + (slot & 1)) * 2 ** bits;
    const tops = this.#distanceTops.group(slot);
    if (bits <= 4) return top + this.#decodeTop(tops, bits) + 1;
    return top + this.#decodeTop(tops, bits - 4) * 16 + this.#decodeLowest(slot) + 1;
  }

  #decodeLowest(slot: number): number {
    const [a, b, c, d] = this.#lowContexts;
    const groups = [
      a!.group(0),
      b!.group(slot),
      c!.group((this.#reps[0]! - 1) % 16),
      d!.group(this.#made.length % 16),
    ];
    const reversed = this.#decodeTree(groups, 4, this.#lowWeights, 0);
    return ((reversed & 1) << 3) | ((reversed & 2) << 1) | ((reversed & 4) >> 1) | (reversed >> 3);
  }

  /** `bits` bits from a tree, the first one first. */
  #decodeTree(
    groups: readonly Uint16Array[],
    bits: number,
    weights: readonly Int16Array[],
    set: number,
  ): number {
    let node = 1;
    for (let i = 0; i < bits; i++) {
      const inputs = groups.map((group): Input => [group, node]);
      node = node * 2 + this.#mixSmall(inputs, weights[set + node]!);
    }
    return node - 2 ** bits;
  }

  #decodeTop(counters: Uint16Array, bits: number): number {
    let value = 0;
    let node = 1;
    for (let i = 0; i < bits; i++) {
      let bit: number;
      if (i < 3) {
        bit = this.#codeBit(undefined, (counters[node]! >> 4) * 16 + 8);
        counters[node] = learnCounter(counters[node]!, bit, COUNT_LIMIT);
        node = node * 2 + bit;
      } else bit = this.#codeBit(undefined, 32_768);
      value = value * 2 + bit;
    }
    return value;
  }

  #decodeLiteral(): void {
    const [c1, c2, c3] = [this.#before(1), this.#before(2), this.#before(3)];
    const m = this.#before(this.#reps[0]!);
    const kind = this.#state >= 7 ? 2 : this.#state === 0 ? 0 : 1;
    const hashes = [
      hashContext(c1 | (c2 << 8), 0),
      hashContext((c2 << 8) | (c3 << 16), 1),
      hashContext(c1 | (m << 8), 2 + kind),
    ];
    let node = 1;
    let groups: Uint16Array[] = [];
    for (let depth = 0; depth < 8; depth++) {
      if (depth === 0 || depth === 4) {
        const line = depth === 0 ? 0 : node;
        const direct = [this.#made.length & 3, c1, kind * 256 + m];
        groups = [
          ...direct.map((number, i) => this.#literalContexts[i]!.group(number * 32 + line)),
          ...hashes.map((hash, i) => {
            const second = Math.imul(hash + Math.imul(node, 0x9e3779b1), 0x85ebca6b) >>> 0;
            return this.#literalTables[i]!.find(depth === 0 ? hash : second);
          }),
        ];
      }
      const inNibble = depth < 4 ? node : (node % 2 ** (depth - 4)) + 2 ** (depth - 4);
      const agrees = (m + 256) >> (8 - depth) === node ? 1 : 0;
      const set = kind * 2 + agrees;
      const bit = this.#mix(
        groups.map((group): Input => [group, inNibble]),
        this.#literalWeightsA[kind * 256 + node]!,
        this.#literalWeightsB[set * 8 + depth]!,
        this.#literalMaps[set * 256 + node]!,
        this.#known === undefined ? undefined : (this.#known >> (7 - depth)) & 1,
      );
      node = node * 2 + bit;
    }
    this.#made.push(node & 255);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
    this.#literalRun++;
  }

  /** A decision of two weight sets and a map; `known` is its bit while the history is taken. */
  #mix(
    inputs: readonly Input[],
    weightsA: Int16Array,
    weightsB: Int16Array,
    map: Uint16Array,
    known?: number,
  ): number {
    const x = inputs.map(([group, index]) => stretch(group[index]!));
    const sums = weightsA.map((weight, i) => saturate(weight + weightsB[i]!));
    const mixed = dot(x, sums);
    const knot = (mixed + 3072) >> 8;
    const share = (mixed + 3072) & 255;
    const refined = (map[knot]! * (256 - share) + map[knot + 1]! * share) >> 8;
    const bit = this.#codeBit(known, (squash(mixed) + refined + 1) >> 1);

    const wanted = bit * 65_535;
    const error = (wanted - squash(mixed)) >> 2;
    learnWeights(x, error, weightsA);
    learnWeights(x, error, weightsB);
    const nearest = knot + (share >> 7);
    map[nearest]! += (wanted - map[nearest]!) >> 6;
    for (const [group, index] of inputs) group[index] = learnCounter(group[index]!, bit, COUNT_LIMIT);
    return bit;
  }

  #mixSmall(inputs: readonly Input[], weights: Int16Array): number {
    const x = inputs.map(([group, index]) => stretch(group[index]!));
    const p = squash(dot(x, weights));
    const bit = this.#codeBit(undefined, p);
    learnWeights(x, (bit * 65_535 - p) >> 1, weights);
    for (const [group, index] of inputs) group[index] = learnCounter(group[index]!, bit, COUNT_LIMIT);
    return bit;
  }

  #codeBit(known: number | undefined, probability: number): number {
    if (known !== undefined) return known;
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
    if (this.#at > this.#coded.length + 3) throw corrupt();
    return this.#coded[this.#at++] ?? 0;
  }
}

function corrupt(): FormatError {
  return new FormatError(ErrorCode.CORRUPT_BODY, "literals: expected a whole segment, found a damaged one");
}

function dot(inputs: readonly number[], weights: Int16Array): number {
  let sum = 0;
  for (const [i, input] of inputs.entries()) sum += input * weights[i]!;
  return clamp(-SQUASH_LIMIT, sum >> 14, SQUASH_LIMIT);
}

function learnWeights(inputs: readonly number[], error: number, weights: Int16Array): void {
  for (const [i, input] of inputs.entries()) {
    weights[i] = saturate(weights[i]! + ((input * error + 0x4000) >> 15));
  }
}
