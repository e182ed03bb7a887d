/**
 * The residual decoder of `FORMAT.md` in plain TypeScript: slow, and written to be compared with the text. It is the
 * oracle of the WASM's tests; nothing else uses it.
 *
 * @module
 */
import { clamp, hashContext, makeTables, makeWeights, ReferenceCoder, squash } from "../mixing-reference.ts";
import type { ResidualSpans } from "./index.ts";

const HISTORY_BYTES = 64;
const LOOK_AHEAD_BYTES = 16;
const COUNTER_TABLE_BITS = 12;
const FLAG_CONTEXTS = 6;
const HIT_CONTEXTS = 3;
const VALUE_TABLE_BITS = 11;
const VALUE_CONTEXTS = 6;
const DIFFERENCE_TABLE_BITS = 15;
const SCOUT_TABLES = 3;
const SOURCES = 8;
const TABLE_SOURCES = 6;
const PLACED_SOURCES = [1, 3, 4];
const MAX_CONFIDENCE = 15;
const MAX_GROUP = 64;
const MAX_SINGLE_RISK = 2048;
const MAX_RISK = 8192;
const LEARN_RISK = 655;
const MIN_ALIGNED = 36_000;

/** A difference that a source of fields foretells, and how often it was right in a row. */
interface Foretold {
  difference: number;
  confidence: number;
}

const nothing = (): Foretold => ({ difference: 0, confidence: 0 });

/** A position as the scout sees it. */
interface Look {
  p: number;
  /** The number of its weight in each table. */
  places: number[];
}

/** What a field refers to: its place, and what its difference and the place's move make of each other. */
interface Place {
  isBranch: boolean;
  address: number;
  differenceOf(move: number): number;
  moveOf(difference: number): number;
}

/** The lower `bits` bits in two's complement. */
const signed = (word: number, bits: number): number => (word << (32 - bits)) >> (32 - bits);
const isPage = (word: number): boolean => (word & 0x9f000000) >>> 0 === 0x90000000;
const pagesOf = (word: number): number => (signed(word >> 5, 19) << 2) | ((word >>> 29) & 3);
const withPages = (word: number, pages: number): number =>
  ((word & 0x9f00001f) | ((pages & 3) << 29) | (((pages >> 2) & 0x7ffff) << 5)) >>> 0;
const addedBy = (word: number, unit: number): number => ((word >>> 10) & 4095) << unit;

/** The unit of `user` when it is a user of `page`. */
function unitOf(user: number, page: number): number | undefined {
  if (((user >>> 5) & 31) !== (page & 31)) return undefined;
  if ((user & 0xffc00000) >>> 0 === 0x91000000) return 0;
  if ((user & 0x3b000000) !== 0x39000000) return undefined;
  return (user & 0xc4800000) === 0x04800000 ? 4 : user >>> 30;
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** A decoder as {@link createResidualDecoder} makes it. */
export class ReferenceDecoder {
  readonly #coder = new ReferenceCoder();
  // The scout.
  readonly #scoutWeights = Array.from({ length: SCOUT_TABLES }, () => new Int16Array(65_536));
  readonly #groupChances = Array.from({ length: 64 }, (_, bucket) =>
    new Uint16Array(8).fill(((4 | (bucket & 3)) << (bucket >> 2)) >> 2),
  );
  // Fields.
  readonly #foretold = Array.from({ length: TABLE_SOURCES }, () =>
    Array.from({ length: 2 ** DIFFERENCE_TABLE_BITS }, nothing),
  );
  #recent = [nothing(), nothing()];
  readonly #scores = Array.from({ length: SOURCES }, () => new Uint16Array(16).fill(32_768));
  #outcomes = 0;
  #aligned = 0;
  // Decisions.
  readonly #flagTables = makeTables(COUNTER_TABLE_BITS, 1, FLAG_CONTEXTS);
  readonly #hitTables = makeTables(COUNTER_TABLE_BITS, 1, HIT_CONTEXTS);
  readonly #valueTables = makeTables(VALUE_TABLE_BITS, 16, VALUE_CONTEXTS);
  readonly #flagWeightsA = makeWeights(512);
  readonly #flagWeightsB = makeWeights(1024);
  readonly #hitWeightsA = makeWeights(256);
  readonly #hitWeightsB = makeWeights(512);
  readonly #valueWeightsA = makeWeights(256);
  readonly #valueWeightsB = makeWeights(1024);
  // What was coded last.
  #flags = 0;
  #run = 0;
  #last = 0;
  #history = { basis: new Uint8Array(HISTORY_BYTES), residual: new Uint8Array(HISTORY_BYTES) };
  /** Of each byte of the segment its basis offset and its shift, from HISTORY_BYTES on. */
  #standing: { offset: number; shift: number }[] = [];
  // The segment, with the history before it.
  #b: Uint8Array = new Uint8Array(0);
  #r: Uint8Array = new Uint8Array(0);

  decode(
    coded: Uint8Array,
    basis: Uint8Array,
    spans: ResidualSpans = Uint32Array.of(basis.length, 0, 0),
  ): Uint8Array {
    this.#b = new Uint8Array(HISTORY_BYTES + basis.length + LOOK_AHEAD_BYTES);
    this.#b.set(this.#history.basis);
    this.#b.set(basis, HISTORY_BYTES);
    this.#r = new Uint8Array(HISTORY_BYTES + basis.length + LOOK_AHEAD_BYTES);
    this.#r.set(this.#history.residual);
    if (basis.length === 0) return new Uint8Array(0);
    this.#standing = Array.from({ length: HISTORY_BYTES }, () => ({ offset: 0, shift: 0 }));
    for (let at = 0; at < spans.length; at += 3) {
      const [bytes, offset, made] = [spans[at]!, spans[at + 1]!, spans[at + 2]!];
      for (let i = 0; i < bytes; i++)
        this.#standing.push({ offset: offset + i, shift: (made - offset) >>> 0 });
    }
    this.#coder.start(coded);
    this.#decodeSegment(HISTORY_BYTES + basis.length);
    this.#coder.finish();
    this.#history = {
      basis: this.#b.slice(basis.length, basis.length + HISTORY_BYTES),
      residual: this.#r.slice(basis.length, basis.length + HISTORY_BYTES),
    };
    return this.#r.slice(HISTORY_BYTES, HISTORY_BYTES + basis.length);
  }

  #decodeSegment(end: number): void {
    let at = HISTORY_BYTES;
    while (at < end) {
      const looks: Look[] = [];
      let risk = 0;
      let doubtful: Look | undefined;
      while (looks.length < Math.min(MAX_GROUP, end - at)) {
        const look = this.#look(at + looks.length, this.#run + looks.length);
        if (look.p > MAX_SINGLE_RISK) doubtful = look;
        if (doubtful !== undefined || risk + look.p > MAX_RISK) break;
        risk += look.p;
        looks.push(look);
      }
      if (looks.length > 0) {
        const first = this.#decodeGroup(looks, risk);
        this.#passZeros(first);
        at += first;
        if (first < looks.length) {
          at = this.#decodeField(at, end);
          continue;
        }
      }
      if (doubtful === undefined) continue;
      const flag = this.#decodeFlag(at, 0, doubtful.p);
      this.#learnLook(doubtful, flag);
      if (flag === 1) at = this.#decodeField(at, end);
      else {
        this.#passZeros(1);
        at++;
      }
    }
  }

  #passZeros(count: number): void {
    this.#run += count;
    this.#flags = count < 32 ? (this.#flags << count) >>> 0 : 0;
  }

  #passByte(value: number): void {
    this.#flags = ((this.#flags << 1) | (value === 0 ? 0 : 1)) >>> 0;
    if (value === 0) this.#run++;
    else {
      this.#run = 0;
      this.#last = value;
    }
  }

  #look(at: number, zeros: number): Look {
    const b = this.#b;
    const places = [
      Math.imul(readWord(b, at) >>> 8, 0x9e3779b1) >>> 16,
      b[at - 2]! | (b[at - 1]! << 8),
      Math.min(zeros, 63) | (b[at]! << 6),
    ];
    let sum = 0;
    for (const [table, number] of places.entries()) sum += this.#scoutWeights[table]![number]!;
    return { p: squash((sum - 1536) >> 2), places };
  }

  #learnLook({ p, places }: Look, begins: number): void {
    const step = ((65_536 * begins - p) * 5 + 256) >> 9;
    for (const [table, number] of places.entries()) {
      const weights = this.#scoutWeights[table]!;
      weights[number] = clamp(-32_000, weights[number]! + step, 32_000);
    }
  }

  /** How many of the group's positions are before the first field. */
  #decodeGroup(looks: readonly Look[], risk: number): number {
    const exponent = 31 - Math.clz32(risk);
    const bucket = (exponent << 2) | (((risk << 2) >> exponent) & 3);
    const chances = this.#groupChances[bucket]!;
    const length = 31 - Math.clz32(looks.length);
    const chance = chances[length]!;
    const any = this.#coder.decodeBit(Math.max(1, chance));
    chances[length] = chance + ((any * 65_535 - chance) >> 6);
    let first = looks.length;
    if (any === 1) {
      let left = risk;
      first = 0;
      while (first < looks.length - 1) {
        const { p } = looks[first]!;
        if (this.#coder.decodeBit(clamp(1, Math.floor((p * 65_536) / left), 65_535)) === 1) break;
        left -= p;
        first++;
      }
    }
    for (const look of looks.slice(0, first)) if (look.p > LEARN_RISK) this.#learnLook(look, 0);
    if (any === 1) this.#learnLook(looks[first]!, 1);
    return first;
  }

  /** The carries of the last byte and of the one before it. */
  #carries(at: number): number {
    const carry = (back: number): number => (this.#b[at - back]! + this.#r[at - back]!) >> 8;
    return carry(1) | (carry(2) << 1);
  }

  #decodeFlag(at: number, phase: number, opinion: number): number {
    const [b, r, flags] = [this.#b, this.#r, this.#flags];
    const ahead = readWord(b, at);
    const beforePair = b[at - 2]! | (b[at - 1]! << 8);
    const carries = this.#carries(at);
    const hashes = [
      hashContext(ahead >>> 12, flags & 1),
      hashContext((ahead >>> 16) | (b[at - 1]! << 16), flags & 15),
      hashContext(r[at - 2]! | (r[at - 1]! << 8), carries | (phase << 4)),
      hashContext((ahead & 0xffff) | (r[at - 1]! << 16), carries),
      hashContext(beforePair, flags & 15),
      hashContext(flags & 0xffff, phase),
    ];
    const lines = hashes.map((hash, context) =>
      phase === 0 && context === 4 ? Uint16Array.of(opinion & 0xfff0) : this.#flagTables[context]!.find(hash),
    );
    const recent = phase === 0 ? 0 : (flags & 1) + 1;
    return this.#coder.decide(
      lines,
      0,
      this.#flagWeightsA[(flags & 7) | (stepOf(this.#run) << 3) | (phase << 7)]!,
      this.#flagWeightsB[b[at]! | (recent << 8)]!,
    );
  }

  /** Decode the field at `at`, whose first residual byte is not zero; returns where it ends. */
  #decodeField(at: number, end: number): number {
    const { offset, shift } = this.#standing[at]!;
    const before = offset & 3;
    const skipped = this.#aligned > MIN_ALIGNED ? before : 0;
    this.#aligned += ((before === 0 ? 65_536 : 0) - this.#aligned) >> 7;
    const start = at - skipped;
    if (start + 4 > end) {
      this.#decodeBytes(at, 0, end - at);
      return end;
    }
    const word = readWord(this.#b, start);
    const place = this.#readPlace(start, (offset - skipped) >>> 0, shift);
    const hashes = [
      hashContext(word >>> 9, 0),
      hashContext(place.address >>> 8, 3),
      hashContext(word, 1),
      hashContext(place.address, 2),
      hashContext(place.address >>> 11, 4),
      hashContext(word >>> 16, this.#b[start - 1]! | 512),
    ];
    const entries = hashes.map(
      (hash, source) => this.#foretold[source]![hash >>> (32 - DIFFERENCE_TABLE_BITS)]!,
    );
    const candidates = [...entries, ...this.#recent].map((entry) => ({ ...entry }));
    for (const source of PLACED_SOURCES) {
      const candidate = candidates[source]!;
      if (candidate.difference !== 0) candidate.difference = place.differenceOf(candidate.difference);
    }
    const foretold = this.#decodeForetold(candidates, start, skipped);
    if (foretold === 0) this.#decodeBytes(start, skipped, 4);
    else {
      for (let phase = skipped; phase < 4; phase++) {
        const target = ((word + foretold) >>> (8 * phase)) & 255;
        this.#r[start + phase] = target - this.#b[start + phase]!;
        this.#passByte(this.#r[start + phase]!);
      }
    }
    let target = 0;
    for (let phase = 3; phase >= 0; phase--) {
      const residual = phase < skipped ? 0 : this.#r[start + phase]!;
      target = (target << 8) | ((this.#b[start + phase]! + residual) & 255);
    }
    this.#learnField((target - word) >>> 0, place, candidates, entries);
    return start + 4;
  }

  #readPlace(start: number, address: number, shift: number): Place {
    const word = readWord(this.#b, start);
    const bytes: Place = {
      isBranch: false,
      address: (address + word) >>> 0,
      differenceOf: (move) => (move - shift) >>> 0,
      moveOf: (difference) => (difference + shift) >>> 0,
    };
    if ((address & 3) !== 0) return bytes;
    const bits = ((word >>> 26) & 31) === 5 ? 26 : word >>> 25 === 0x75 ? 24 : 0;
    if (bits > 0) {
      const mask = 2 ** bits - 1;
      return {
        isBranch: true,
        address: (address + 4 * signed(word, bits)) >>> 0,
        differenceOf: (move) => {
          const words = (move - shift) >> 2;
          return (((word & ~mask) | ((word + words) & mask)) - word) >>> 0;
        },
        moveOf: (difference) => (4 * signed(difference, bits) + shift) >>> 0,
      };
    }
    if (isPage(word)) {
      let added = 0;
      for (let ahead = 4; ahead <= 16; ahead += 4) {
        const user = readWord(this.#b, start + ahead);
        const unit = unitOf(user, word);
        if (unit === undefined) continue;
        added = addedBy(user, unit);
        break;
      }
      const passed = ((address & 4095) + shift) >> 12;
      return {
        isBranch: false,
        address: ((address & ~4095) + (pagesOf(word) << 12) + added) >>> 0,
        differenceOf: (move) =>
          (withPages(word, pagesOf(word) + ((added + move) >> 12) - passed) - word) >>> 0,
        moveOf: (difference) => ((pagesOf(word + difference) - pagesOf(word) + passed) << 12) >>> 0,
      };
    }
    for (let behind = 4; behind <= 32; behind += 4) {
      const page = readWord(this.#b, start - behind);
      const unit = unitOf(word, page);
      if (!isPage(page) || unit === undefined) continue;
      const added = addedBy(word, unit);
      const pageAddress = (address - behind) >>> 0;
      const passed = ((pageAddress & 4095) + shift) >> 12;
      return {
        isBranch: false,
        address: ((pageAddress & ~4095) + (pagesOf(page) << 12) + added) >>> 0,
        differenceOf: (move) => (((((added + move) & 4095) >> unit) - (added >> unit)) << 10) >>> 0,
        moveOf: (difference) => {
          const moved = pagesOf(this.#targetWord(start - behind)) - pagesOf(page) + passed;
          return ((moved << 12) + addedBy(word + difference, unit) - added) >>> 0;
        },
      };
    }
    return bytes;
  }

  #targetWord(at: number): number {
    const bytes = this.#b.subarray(at, at + 4).map((byte, i) => byte + this.#r[at + i]!);
    return readWord(bytes, 0);
  }

  /** The difference of a field when it is one of the two that are most likely, else 0. */
  #decodeForetold(candidates: readonly Foretold[], at: number, skipped: number): number {
    let rejected = 0;
    for (const rank of [0, 1]) {
      const source = this.#chooseSource(candidates, rejected, skipped);
      if (source === undefined) break;
      const { difference } = candidates[source]!;
      const hit = this.#decodeHit(candidates, source, rank, at);
      this.#outcomes = ((this.#outcomes << 1) | hit) >>> 0;
      if (hit === 1) return difference;
      rejected = difference;
    }
    return 0;
  }

  #chooseSource(candidates: readonly Foretold[], rejected: number, skipped: number): number | undefined {
    let best: number | undefined;
    let bestScore = 0;
    for (const [source, { difference, confidence }] of candidates.entries()) {
      const score = this.#scores[source]![confidence]!;
      const isPossible = ((difference >>> (8 * skipped)) & 255) !== 0 && difference % 256 ** skipped === 0;
      if (score > bestScore && difference !== rejected && isPossible) {
        best = source;
        bestScore = score;
      }
    }
    return best;
  }

  #decodeHit(candidates: readonly Foretold[], source: number, rank: number, at: number): number {
    const { difference, confidence } = candidates[source]!;
    const word = readWord(this.#b, at);
    const before = this.#b[at - 1]!;
    let mask = 0;
    for (const [other, candidate] of candidates.entries()) {
      if (candidate.difference === difference) mask |= 1 << other;
    }
    const hashes = [
      hashContext(mask, rank),
      hashContext((word >>> 12) | (before << 20), difference ^ (rank << 31)),
      hashContext((this.#outcomes & 255) | (source << 8), rank),
    ];
    return this.#coder.decide(
      hashes.map((hash, context) => this.#hitTables[context]!.find(hash)),
      0,
      this.#hitWeightsA[(source << 4) | confidence | (rank << 7)]!,
      this.#hitWeightsB[mask | (rank << 8)]!,
    );
  }

  #learnField(
    actual: number,
    place: Place,
    candidates: readonly Foretold[],
    entries: readonly Foretold[],
  ): void {
    const isForetold = PLACED_SOURCES.some((source) => candidates[source]!.difference === actual);
    if (place.isBranch && isForetold) this.#aligned += (65_536 - this.#aligned) >> 3;
    for (const [source, { difference, confidence }] of candidates.entries()) {
      const right = difference === actual;
      const scores = this.#scores[source]!;
      scores[confidence]! += ((right ? 65_535 : 0) - scores[confidence]!) >> 5;
      const entry = entries[source];
      if (entry === undefined) continue;
      if (!right) entry.difference = PLACED_SOURCES.includes(source) ? place.moveOf(actual) : actual;
      entry.confidence = right ? Math.min(MAX_CONFIDENCE, confidence + 1) : 0;
    }
    const [newest, older] = this.#recent as [Foretold, Foretold];
    const known = newest.difference === actual ? newest : older.difference === actual ? older : undefined;
    const confidence = known === undefined ? 0 : Math.min(MAX_CONFIDENCE, known.confidence + 1);
    this.#recent = [{ difference: actual, confidence }, known === newest ? older : newest];
  }

  /** Decode the residual bytes of the field at `start` from number `first`, which is not zero, to before `until`. */
  #decodeBytes(start: number, first: number, until: number): void {
    for (let phase = first; phase < until; phase++) {
      const isValue = phase === first || this.#decodeFlag(start + phase, phase, 0) === 1;
      const value = isValue ? this.#decodeValue(start, phase) : 0;
      this.#r[start + phase] = value;
      this.#passByte(value);
    }
  }

  #decodeValue(fieldAt: number, phase: number): number {
    const at = fieldAt + phase;
    const [b, r] = [this.#b, this.#r];
    const ahead = readWord(b, at);
    const carries = this.#carries(at);
    const recent = this.#flags & 3;
    const place = carries | (phase << 4);
    let done = 0;
    for (let back = phase; back > 0; back--) done |= r[at - back]! << (8 * (phase - back));
    const hashes = [
      hashContext(readWord(b, fieldAt) >>> 16, done ^ (phase << 28)),
      hashContext(ahead >>> 8, recent),
      hashContext(this.#last, place),
      hashContext(0, 0),
      hashContext(b[at - 2]! | (b[at - 1]! << 8), recent),
      hashContext(b[at]!, phase),
    ];
    const setB = (phase << 3) | (Math.min(this.#run, 4) << 5) | (carries << 8);
    let node = 1;
    let lines: Uint16Array[] = [];
    for (let depth = 0; depth < 8; depth++) {
      if (depth === 0) lines = hashes.map((hash, context) => this.#valueTables[context]!.find(hash));
      if (depth === 4) {
        lines = hashes.map((hash, context) =>
          this.#valueTables[context]!.find(Math.imul(hash + Math.imul(node, 0x9e3779b1), 0x85ebca6b) >>> 0),
        );
      }
      const inNibble = depth < 4 ? node : (node & ((1 << (depth - 4)) - 1)) | (1 << (depth - 4));
      const bit = this.#coder.decide(
        lines,
        inNibble,
        this.#valueWeightsA[node]!,
        this.#valueWeightsB[setB | depth]!,
      );
      node = (node << 1) | bit;
    }
    return node & 255;
  }
}

/** The logarithmic step of a run. */
function stepOf(length: number): number {
  if (length < 4) return length;
  if (length < 512) return 33 - Math.clz32(length);
  return length < 1024 ? 10 : 11;
}
