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
import { HashedLines, type Line, Lines, makeSets, ReferenceNibbleCoder } from "../nibbles-reference.ts";
import { isStored } from "./stored.ts";

const COUNT_LIMIT = 15;
const PIECE_BYTES = 1_048_576;

/** Counters by number, made when they are first asked for. */
class Counters {
  readonly #counters = new Map<number, Uint16Array>();

  find(number: number): Uint16Array {
    let counter = this.#counters.get(number);
    if (counter === undefined) {
      counter = Uint16Array.of(FRESH);
      this.#counters.set(number, counter);
    }
    return counter;
  }
}

/** Four lines of each kind of nibble: of its contexts, in order. */
const makeLines = (): Lines[] => [new Lines(), new Lines(), new Lines(), new Lines()];

function makeWeights(sets: number, inputs: number): Int16Array[] {
  // Decisions of 6 inputs add two sets.
  return Array.from({ length: sets }, () => new Int16Array(inputs).fill(inputs === 6 ? 2048 : 4096));
}

const REP = { ANY: 0, NOT_0: 1, LONG_0: 2, NOT_1: 3, NOT_2: 4 } as const;

/** A decoder as {@link createLzDecoder} makes it, without a bound to its window. */
export class ReferenceDecoder {
  readonly #matchContexts = [new Counters(), new Counters(), new Counters(), new Counters()];
  readonly #matchTables = [new CounterTable(14, 1), new CounterTable(14, 1)];
  readonly #matchWeightsA = makeWeights(64, 6);
  readonly #matchWeightsB = makeWeights(256, 6);
  readonly #matchMaps = makeMaps(256);
  readonly #repContexts = [new Counters(), new Counters(), new Counters(), new Counters()];
  readonly #repWeights = makeWeights(80, 4);
  readonly #lengthLines = makeLines();
  readonly #lengthSets = makeSets(4);
  readonly #scaleLines = makeLines();
  readonly #scaleSets = makeSets(8);
  readonly #lowestLines = makeLines();
  readonly #lowestSets = makeSets(5);
  readonly #literalLines = [new Lines(), new Lines(), new Lines()];
  readonly #literalTable = new HashedLines(14);
  readonly #literalSets = makeSets(9);

  #made: number[] = [];
  #state = 0;
  #reps = [1, 1, 1, 1];
  #literalRun = 0;
  #lastLengthSlot = 0;
  #lastDistanceSlot = 0;
  /** The byte that is learned from and not decoded, while the history is taken. */
  #known: number | undefined;
  readonly #coder = new ReferenceNibbleCoder();

  prime(history: Uint8Array): void {
    for (const byte of history) {
      this.#known = byte;
      this.#decodeLiteral();
    }
    this.#known = undefined;
  }

  decode(coded: Uint8Array, rawBytes: number): Uint8Array {
    const begin = this.#made.length;
    if (isStored(coded.length, rawBytes)) {
      for (const byte of coded) this.#made.push(byte);
      this.#state = 0;
      this.#literalRun = 15;
    } else if (rawBytes > 0) {
      this.#coder.start(coded);
      for (let done = 0; done < rawBytes; done += PIECE_BYTES) {
        this.#decodePiece(begin + Math.min(done + PIECE_BYTES, rawBytes));
      }
      this.#coder.finish();
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
        this.#matchContexts[0]!.find(place),
        this.#matchContexts[1]!.find(this.#state * 256 + c1),
        this.#matchTables[0]!.find(hashContext(c1 | (c2 << 8), this.#state)),
        this.#matchTables[1]!.find(hashContext(c1 | (c2 << 8) | (c3 << 16), m)),
        this.#matchContexts[2]!.find(m * 256 + c1),
        this.#matchContexts[3]!.find(run * 32 + this.#lastLengthSlot),
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
        a!.find(kind * 16 + this.#state),
        b!.find(kind * 256 + this.#before(1)),
        c!.find(kind * 512 + m * 2 + (this.#state >= 7 ? 1 : 0)),
        d!.find(kind * 128 + this.#lastLengthSlot * 4 + run),
      ],
      this.#repWeights[kind * 16 + this.#state]!,
    );
  }

  #decodeLength(rep: 0 | 1): number {
    const m = this.#before(this.#reps[0]!);
    const contexts = [
      this.#made.length & 3,
      this.#state,
      this.#before(1),
      rep === 1 ? m : this.#lastLengthSlot,
    ];
    const lines = (nibble: number): Line[] =>
      contexts.map((context, i) => this.#lengthLines[i]!.find((context * 2 + rep) * 2 + nibble));
    const first = this.#coder.codeNibble(lines(0), this.#lengthSets[rep * 2]!);
    this.#lastLengthSlot = first;
    if (first < 15) return first + 2;
    const log = this.#coder.codeNibble(lines(1), this.#lengthSets[rep * 2 + 1]!);
    this.#lastLengthSlot = 15 + log;
    return 16 + 2 ** log + this.#coder.decodePlain(log);
  }

  #decodeDistance(length: number): number {
    const from = Math.min(length - 2, 3);
    const c1 = this.#before(1);
    const slot = this.#lastDistanceSlot;
    const before = hashContext(c1 | (this.#before(2) << 8), Math.min(length, 6));
    const find = (contexts: readonly number[], hash: number, upper: number): Line[] => [
      ...contexts.map((context, i) => this.#scaleLines[i]!.find(context * 17 + upper)),
      this.#scaleLines[3]!.find((hash >>> 20) * 2 + (upper < 16 ? 1 : 0)),
    ];
    const upper = this.#coder.codeNibble(
      find([from, from * 256 + c1, from * 64 + slot], before, 16),
      this.#scaleSets[from * 2]!,
    );
    const lower = this.#coder.codeNibble(
      find([from, c1, slot], hashBehind(before, upper), upper),
      this.#scaleSets[from * 2 + 1]!,
    );
    const scale = upper * 16 + lower;
    this.#lastDistanceSlot = scale >> 2;
    const log = scale >> 3;
    const top = 8 + (scale & 7);
    if (log <= 3) return top >> (3 - log);
    const bits = log - 3;
    const least = Math.min(bits, 4);
    const high = top * 2 ** (bits - least) + this.#coder.decodePlain(bits - least);
    const contexts = [log, scale, least * 16 + (this.#reps[0]! % 16), least * 16 + (this.#made.length % 16)];
    const lines = contexts.map((context, i) => this.#lowestLines[i]!.find(context));
    return high * 2 ** least + this.#coder.codeNibble(lines, this.#lowestSets[least]!);
  }

  #decodeLiteral(): void {
    const [c1, c2] = [this.#before(1), this.#before(2)];
    const m = this.#before(this.#reps[0]!);
    const kind = this.#state >= 7 ? 2 : this.#state === 0 ? 0 : 1;
    const hash = hashContext(c1 | (c2 << 8), 0);
    const contexts = [c1, kind * 256 + m, c2];
    const lines = (upper: number, hashed: number): Line[] => [
      ...contexts.map((context, i) => this.#literalLines[i]!.find(context * 17 + upper)),
      this.#literalTable.find(hashed),
    ];
    const known = this.#known;
    const upper = this.#coder.codeNibble(
      lines(16, hash),
      this.#literalSets[kind]!,
      known === undefined ? undefined : known >> 4,
    );
    const agrees = m >> 4 === upper ? 1 : 0;
    const lower = this.#coder.codeNibble(
      lines(upper, hashBehind(hash, upper)),
      this.#literalSets[3 + 3 * agrees + kind]!,
      known === undefined ? undefined : known & 15,
    );
    this.#made.push(upper * 16 + lower);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
    this.#literalRun++;
  }

  /** A decision of two weight sets and a map. */
  #mix(inputs: readonly Uint16Array[], weightsA: Int16Array, weightsB: Int16Array, map: Uint16Array): number {
    const x = inputs.map((counter) => stretch(counter[0]!));
    const sums = weightsA.map((weight, i) => saturate(weight + weightsB[i]!));
    const mixed = dot(x, sums);
    const knot = (mixed + 3072) >> 8;
    const share = (mixed + 3072) & 255;
    const refined = (map[knot]! * (256 - share) + map[knot + 1]! * share) >> 8;
    const bit = this.#coder.decodeBit((squash(mixed) + refined + 1) >> 1);

    const wanted = bit * 65_535;
    const error = (wanted - squash(mixed)) >> 2;
    learnWeights(x, error, weightsA);
    learnWeights(x, error, weightsB);
    const nearest = knot + (share >> 7);
    map[nearest]! += (wanted - map[nearest]!) >> 6;
    for (const counter of inputs) counter[0] = learnCounter(counter[0]!, bit, COUNT_LIMIT);
    return bit;
  }

  #mixSmall(inputs: readonly Uint16Array[], weights: Int16Array): number {
    const x = inputs.map((counter) => stretch(counter[0]!));
    const p = squash(dot(x, weights));
    const bit = this.#coder.decodeBit(p);
    learnWeights(x, (bit * 65_535 - p) >> 1, weights);
    for (const counter of inputs) counter[0] = learnCounter(counter[0]!, bit, COUNT_LIMIT);
    return bit;
  }
}

function hashBehind(hash: number, nibble: number): number {
  return Math.imul(hash + Math.imul(16 + nibble, 0x9e3779b1), 0x85ebca6b) >>> 0;
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
