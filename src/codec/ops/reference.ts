/**
 * The decoder of `FORMAT.md` in plain TypeScript: slow, and written to be compared with the text. It is the oracle of the
 * WASM's tests; nothing else uses it.
 *
 * @module
 */
import { ByteWriter } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import {
  type CounterTable,
  hashContext,
  makeMaps,
  makeTables,
  makeWeights,
  ReferenceCoder,
} from "../mixing-reference.ts";
import { PRIME_BYTES, PRIME_CODED } from "./prime.ts";

const TABLE_BITS = 14;
const HISTORY_BITS = 18;
const STEPS = 56;

const Kind = { DATA: 2, RUN: 3, TOUCH: 4, HEADER: 5 } as const;
const Field = { KIND: 0, LENGTH: 1, DISTANCE: 2, BYTE: 3, TIME: 4, SIZE: 5, SPLICE: 6 } as const;
type Field = (typeof Field)[keyof typeof Field];

/** The lower 32 bits, as a u32. */
function low32(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

function countBits(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

function magnitudeOf(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function signedSize(value: bigint): number {
  return countBits(magnitudeOf(value)) + (value < 0n ? 64 : 0);
}

function sizeOf(value: number): number {
  return 32 - Math.clz32(value);
}

/** What a number is coded with. */
interface NumberModel {
  field: Field;
  hashes: readonly number[];
  kinds: number;
  /** The guesses of contexts 3 and 4; absent for numbers without a sign. */
  guesses?: readonly [bigint, bigint];
  /** The guess of context 6, and how sure it is. */
  follower: bigint;
  sure: number;
}

/** What was coded before, and where the last two ops stood together once already. */
class History {
  readonly #heads = new Uint32Array(2 ** HISTORY_BITS);
  readonly #distances = new Int32Array(2 ** HISTORY_BITS);
  readonly #index = new Uint32Array(2 ** HISTORY_BITS);
  #count = 0;
  #expected = 0;
  #right = 0;
  #lastHash = 0;

  get sure(): number {
    if (this.#right < 8) return this.#right;
    return Math.min(15, 6 + (sizeOf(this.#right) >> 1));
  }

  get head(): number {
    return this.#heads[this.#expected % 2 ** HISTORY_BITS]!;
  }

  get distance(): number {
    return this.#distances[this.#expected % 2 ** HISTORY_BITS]!;
  }

  keep(head: number, distance: number): void {
    const isRight = this.#right > 0 && this.head === head && this.distance === distance;
    this.#heads[this.#count % 2 ** HISTORY_BITS] = head;
    this.#distances[this.#count % 2 ** HISTORY_BITS] = distance;
    this.#count++;
    const hash = hashContext(head, distance >>> 0);
    const slot = hashContext(hash, this.#lastHash) >>> (32 - HISTORY_BITS);
    this.#lastHash = hash;
    if (isRight) {
      this.#right++;
      this.#expected++;
    } else {
      this.#expected = this.#index[slot]!;
      this.#right = this.#expected > 0 ? 1 : 0;
    }
    this.#index[slot] = this.#count;
  }
}

/** A decoder as {@link createOpsDecoder} makes it. */
export class ReferenceOpsDecoder {
  readonly #coder = new ReferenceCoder();
  readonly #tables: readonly CounterTable[] = makeTables(TABLE_BITS, 16);
  readonly #weightsA = makeWeights(STEPS * 16);
  readonly #weightsB = makeWeights(STEPS * 64);
  readonly #maps = makeMaps(STEPS * 16);
  readonly #history = new History();
  #kinds = 0;
  #lengths: [number, number, number] = [0, 0, 0];
  readonly #own = new Uint32Array(8);
  #distance = 0n;
  #jumps: [bigint, bigint] = [0n, 0n];
  /** The last values of the rare fields. */
  readonly #rare = new Array<bigint>(13).fill(0n);

  constructor() {
    this.decode(Uint8Array.from(Buffer.from(PRIME_CODED, "hex")), PRIME_BYTES);
  }

  decode(coded: Uint8Array, rawBytes: number): Uint8Array {
    if (rawBytes === 0) return new Uint8Array(0);
    this.#coder.start(coded);
    const isOps = this.#coder.decodeBit(65_535) === 1;
    const out = new ByteWriter();
    while (out.length < rawBytes) {
      if (isOps) this.#decodeOp(out);
      else out.u8(this.#decodeByte());
    }
    this.#coder.finish();
    if (out.length > rawBytes) {
      throw new FormatError(ErrorCode.CORRUPT_BODY, `expected ${rawBytes} bytes, found ${out.length}`);
    }
    return out.view().slice();
  }

  #decodeByte(): number {
    let byte = 0;
    for (let i = 0; i < 8; i++) byte = (byte << 1) | this.#coder.decodeBit(32_768);
    return byte;
  }

  #decodeOp(out: ByteWriter): void {
    const kind = this.#decodeKind();
    const length = this.#decodeLength(kind);
    const head = length * 8n + BigInt(kind);
    writeVarint(out, head);
    let distance = 0n;
    if (kind === Kind.RUN) out.u8(Number(BigInt.asUintN(8, this.#decodeRare(0, Field.BYTE, kind))));
    else if (kind !== Kind.DATA) {
      distance = this.#decodeDistance(kind, low32(length));
      writeSignedVarint(out, distance);
      if (kind === Kind.TOUCH) writeSignedVarint(out, this.#decodeRare(1, Field.TIME, kind));
      if (kind === Kind.HEADER) this.#decodeHeader(out, low32(length - 1n) & 63);
    }
    this.#own[kind] = low32(length);
    this.#kinds = ((this.#kinds << 3) | kind) >>> 0;
    this.#lengths = [low32(length), this.#lengths[0], this.#lengths[1]];
    this.#distance = distance;
    if (distance !== 0n) this.#jumps = [distance, this.#jumps[0]];
    this.#history.keep(low32(head), low32(distance) | 0);
  }

  #decodeKind(): number {
    const kinds = this.#kinds;
    const [length1, length2] = this.#lengths;
    const { head, sure } = this.#history;
    const hashes = [
      hashContext(kinds & 0xfff, 0),
      hashContext(kinds & 7, sizeOf(length1) | 0x100),
      hashContext(kinds & 63, signedSize(this.#distance) | (sizeOf(length1) << 8)),
      hashContext(kinds & 63, (sizeOf(length1) << 8) | sizeOf(length2) | 0x10000),
      hashContext(kinds & 0x3ffff, 1),
      hashContext(low32(this.#distance), kinds & 7),
      hashContext(head & 7, (sure << 8) | 0x70000),
      hashContext(kinds & 7, 2),
    ];
    return this.#decodeTree(
      hashes.map((hash) => hashBehind(hash, 0)),
      0,
      Field.KIND,
      kinds & 63,
      3,
    );
  }

  #decodeLength(kind: number): bigint {
    const last = this.#kinds & 7;
    const before = (this.#kinds & 63) | (kind << 6);
    const [length1, length2, length3] = this.#lengths;
    const sure = (this.#history.head & 7) === kind ? this.#history.sure : 0;
    const follower = BigInt(this.#history.head >>> 3);
    const hashes = [
      hashContext(before & 0x1c7, 10),
      hashContext(before, sizeOf(length1) | 0x100),
      hashContext(this.#own[kind]!, kind | 0x200),
      hashContext(before, sizeOf(length1) | (sizeOf(length2) << 8) | (sizeOf(length3) << 16)),
      hashContext(length1, (kind << 8) | signedSize(this.#distance) | 0x30000),
      hashContext(length2, kind | (last << 8) | 0x40000),
      hashContext(countBits(follower), (sure << 8) | 0x70000),
      hashContext(kind, 11),
    ];
    return this.#decodeNumber({ field: Field.LENGTH, hashes, kinds: (kind << 3) | last, follower, sure });
  }

  #decodeDistance(kind: number, length: number): bigint {
    const last = this.#kinds & 7;
    const before = last | (kind << 3);
    const [length1] = this.#lengths;
    const [jump1, jump2] = this.#jumps;
    const passed = last === Kind.DATA || last === Kind.RUN ? -BigInt(length1) : -(jump1 + jump2);
    const sure = this.#history.head === ((length << 3) | kind) >>> 0 ? this.#history.sure : 0;
    const follower = BigInt(this.#history.distance);
    const hashes = [
      hashContext(before | ((this.#kinds & 0x38) << 3), 20),
      hashContext(before, sizeOf(length1) | (sizeOf(length) << 8) | 0x10000),
      hashContext(low32(jump1), before | 0x20000),
      hashContext(signedSize(jump1), 21),
      hashContext(last === Kind.DATA ? length1 : signedSize(passed), before | 0x30000),
      hashContext(signedSize(jump1) | (signedSize(jump2) << 8), before | 0x40000),
      hashContext(signedSize(follower), (sure << 8) | 0x70000),
      hashContext(before, signedSize(this.#distance) | 0x60000),
    ];
    return this.#decodeNumber({
      field: Field.DISTANCE,
      hashes,
      kinds: before,
      guesses: [-jump1, passed],
      follower,
      sure,
    });
  }

  #decodeHeader(out: ByteWriter, flags: number): void {
    if ((flags & 1) !== 0) writeSignedVarint(out, this.#decodeRare(2, Field.SIZE, Kind.HEADER));
    if ((flags & 4) !== 0) writeSignedVarint(out, this.#decodeRare(3, Field.TIME, Kind.HEADER));
    for (const text of [0, 1, 2]) {
      if ((flags & (8 << text)) === 0) continue;
      for (const part of [0, 1, 2])
        writeVarint(out, this.#decodeRare(4 + 3 * text + part, Field.SPLICE, Kind.HEADER));
    }
  }

  #decodeRare(rare: number, field: Field, kind: number): bigint {
    const last = this.#rare[rare]!;
    const hashes = Array.from({ length: 8 }, (_, j) =>
      hashContext(rare | 0x100, j % 2 === 1 ? low32(last) : 0),
    );
    const model = { field, hashes, kinds: kind, follower: 0n, sure: 0 };
    const isSigned = field === Field.TIME || field === Field.SIZE;
    const value = this.#decodeNumber(isSigned ? { ...model, guesses: [last, -last] } : model);
    this.#rare[rare] = value;
    return value;
  }

  #decodeNumber(model: NumberModel): bigint {
    const { field, hashes, kinds } = model;
    const decodeBehind = (step: number, node: number, bits: number): number =>
      this.#decodeTree(
        hashes.map((hash) => hashBehind(hash, node)),
        step,
        field,
        kinds,
        bits,
      );
    let size = 0;
    for (let level = 0; level < 4; level++) {
      const part = decodeBehind(Math.min(level, 1), level, 4);
      size += part;
      if (part < 15) break;
    }
    if (size === 0) return 0n;
    const isNegative = model.guesses !== undefined && decodeBehind(2, 16 + size, 1) === 1;
    let prefix = 1n;
    let left = size - 1;
    for (let step = 3; left > 0; step = Math.min(7, step + 1)) {
      const bits = Math.min(4, left);
      const found = this.#findGroup(model, { step, size, isNegative, prefix, left, bits });
      prefix = (prefix << BigInt(bits)) | BigInt(this.#decodeTree(found, step, field, kinds, bits));
      left -= bits;
    }
    return isNegative ? -prefix : prefix;
  }

  /** The hashes of a group of a number's bits. */
  #findGroup(
    { field, hashes, guesses, follower, sure }: NumberModel,
    group: { step: number; size: number; isNegative: boolean; prefix: bigint; left: number; bits: number },
  ): number[] {
    const { step, size, isNegative, prefix, left, bits } = group;
    const node = (low32(prefix << 6n) | size) + (isNegative ? 0x5bd1e995 : 128);
    const hashGuess = (index: number, guess: bigint, salt: number): number => {
      const magnitude = magnitudeOf(guess);
      const holds =
        countBits(magnitude) === size && guess < 0n === isNegative && magnitude >> BigInt(left) === prefix;
      const says = holds ? Number((magnitude >> BigInt(left - bits)) & ((1n << BigInt(bits)) - 1n)) : 16;
      return hashContext(says | (left << 8), index | (bits << 8) | (size << 16) | (salt << 24));
    };
    return hashes.map((hash, index) => {
      if (guesses !== undefined && index === 3) return hashGuess(3, guesses[0], 0);
      if (guesses !== undefined && index === 4) return hashGuess(4, guesses[1], 0);
      if (index === 6) return hashGuess(6, follower, sure | (field << 5));
      if (index !== 2 && step >= (index === 7 ? 5 : 4)) return hashContext(left, 0x100 | step);
      return hashBehind(hash, node);
    });
  }

  #decodeTree(hashes: readonly number[], step: number, field: Field, kinds: number, bits: number): number {
    const lines = hashes.map((hash, context) => this.#tables[context]!.find(hash));
    const row = field * 8 + step;
    let node = 1;
    for (let i = 0; i < bits; i++) {
      const bit = this.#coder.decide(
        lines,
        node,
        this.#weightsA[row * 16 + node]!,
        this.#weightsB[row * 64 + kinds]!,
        this.#maps[row * 16 + node]!,
      );
      node = (node << 1) | bit;
    }
    return node - (1 << bits);
  }
}

function hashBehind(hash: number, node: number): number {
  return Math.imul(hash + Math.imul(node, 0x9e3779b1), 0x85ebca6b) >>> 0;
}

function writeVarint(out: ByteWriter, value: bigint): void {
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) out.u8(Number(rest & 127n) | 128);
  out.u8(Number(rest));
}

function writeSignedVarint(out: ByteWriter, value: bigint): void {
  const magnitude = magnitudeOf(value);
  const rest = magnitude >> 6n;
  out.u8(Number(magnitude & 63n) | (value < 0n ? 64 : 0) | (rest > 0n ? 128 : 0));
  if (rest > 0n) writeVarint(out, rest);
}
