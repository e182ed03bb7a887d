/**
 * The decoder of `FORMAT.md` in plain TypeScript: slow, and written to be compared with the text. It is the oracle of the
 * WASM's tests; nothing else uses it.
 *
 * @module
 */
import { ByteWriter } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { hashContext } from "../mixing-reference.ts";
import { HashedLines, makeSets, ReferenceNibbleCoder } from "../nibbles-reference.ts";
import { PRIME_BYTES, PRIME_CODED } from "./prime.ts";

const TABLE_BITS = 13;
const HISTORY_BITS = 18;

const Kind = { DATA: 2, RUN: 3, TOUCH: 4, HEADER: 5 } as const;
const Field = { LENGTH: 0, DISTANCE: 1, BYTE: 2, TIME: 3, SIZE: 4, SPLICE: 5 } as const;
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

/** The four hashes of what is coded. */
type Hashes = readonly [number, number, number, number];

/** Weights of a field's nibbles. */
const makeFieldSets = () => {
  const [form, sizes, sign, first, rest] = makeSets(5);
  return { form: form!, sizes: sizes!, sign: sign!, first: first!, rest: rest! };
};
type Sets = number[][];

/** The smallest size of each class of distances. */
const CLASSES = [1, 4, 7, 11, 15, 19];

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
  readonly #coder = new ReferenceNibbleCoder();
  readonly #tables = [0, 1, 2, 3].map(() => new HashedLines(TABLE_BITS));
  readonly #kindSets = makeSets(8);
  readonly #lengthSets = makeSets(8);
  readonly #distanceSets = makeSets(8);
  readonly #fieldSets = Array.from({ length: 6 }, makeFieldSets);
  readonly #history = new History();
  #kinds = 0;
  #length = 0;
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
      else out.u8(this.#coder.decodePlain(8));
    }
    this.#coder.finish();
    if (out.length > rawBytes) {
      throw new FormatError(ErrorCode.CORRUPT_BODY, `expected ${rawBytes} bytes, found ${out.length}`);
    }
    return out.view().slice();
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
    this.#length = low32(length);
    this.#distance = distance;
    if (distance !== 0n) this.#jumps = [distance, this.#jumps[0]];
    this.#history.keep(low32(head), low32(distance) | 0);
  }

  #decodeKind(): number {
    const kinds = this.#kinds;
    const { head, sure } = this.#history;
    const z = sizeOf(this.#length);
    const hashes: Hashes = [
      hashContext(kinds & 63, 0x10000 + (z << 8) + signedSize(this.#distance)),
      hashContext(kinds & 7, 0x10000),
      hashContext(kinds & 4095, 0x10000 + z),
      hashContext(kinds & 4095, 0x10000 + (sure << 3) + (head & 7)),
    ];
    return this.#decodeNibble(hashes, 0, this.#kindSets[kinds & 7]!) & 7;
  }

  #decodeLength(kind: number): bigint {
    const last = this.#kinds & 7;
    const { head } = this.#history;
    const sure = (head & 7) === kind ? this.#history.sure : 0;
    const follower = sure === 0 ? 0 : head >>> 3;
    const hashes: Hashes = [
      hashContext((last << 3) + kind, 0x20000),
      hashContext(kind, 0x20000),
      hashContext((sizeOf(this.#length) << 8) + sizeOf(this.#own[kind]!), 0x20000 + (last << 3) + kind),
      hashContext(follower, 0x20000 + (sure << 3) + kind),
    ];
    return this.#decodeNumber(hashes, Field.LENGTH, BigInt(follower), false, this.#lengthSets[kind]!);
  }

  #decodeDistance(kind: number, length: number): bigint {
    const last = this.#kinds & 7;
    const [jump1, jump2] = this.#jumps;
    const sure = this.#history.head === ((length << 3) | kind) >>> 0 ? this.#history.sure : 0;
    const before = BigInt(this.#history.distance);
    const back = -jump1;
    const passed = last === Kind.DATA || last === Kind.RUN ? -BigInt(this.#length) : -(jump1 + jump2);
    let equal = back === passed ? 1 : 0;
    if (sure > 0) {
      for (const [i, other] of [back, passed, 0n].entries()) if (before === other) equal += 2 << i;
    }
    const hashes: Hashes = [
      hashContext(((this.#kinds & 63) << 3) + kind, 0x30000),
      hashContext((sure << 4) + equal, 0x30000 + (last << 3) + kind),
      hashContext(kind, 0x30000),
      hashContext((sure > 3 ? 128 : 0) + (last << 4) + equal, 0x30000 + signedSize(jump1)),
    ];
    const form = this.#decodeNibble(hashes, 0, this.#distanceSets[kind]!);
    if (form < 4) return [0n, before, back, passed][form]!;
    const narrowed = narrow(hashes, form);
    const size = this.#decodeSize(narrowed, CLASSES[(form - 4) >> 1]!, Field.DISTANCE);
    const magnitude = this.#decodeBits(narrowed, size, Field.DISTANCE);
    return form % 2 === 1 ? -magnitude : magnitude;
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
    const hashes: Hashes = [
      hashContext(rare, 0x40000),
      hashContext(low32(last), 0x40000 + rare),
      hashContext(signedSize(last), 0x40000 + rare),
      hashContext(kind, 0x40000 + field),
    ];
    const isSigned = field === Field.TIME || field === Field.SIZE;
    const value = this.#decodeNumber(hashes, field, last, isSigned, this.#fieldSets[field]!.form);
    this.#rare[rare] = value;
    return value;
  }

  #decodeNumber(hashes: Hashes, field: Field, expected: bigint, isSigned: boolean, formSets: Sets): bigint {
    const form = this.#decodeNibble(hashes, 0, formSets);
    if (form === 15) return expected;
    const size = form < 14 ? form : this.#decodeSize(hashes, 14, field);
    if (size === 0) return 0n;
    if (!isSigned) return this.#decodeBits(hashes, size, field);
    const sign = this.#decodeNibble(hashes, 2, this.#fieldSets[field]!.sign) & 1;
    const magnitude = this.#decodeBits(narrow(hashes, 2 + sign), size, field);
    return sign === 1 ? -magnitude : magnitude;
  }

  #decodeSize(hashes: Hashes, least: number, field: Field): number {
    let size = least;
    for (let part = 15; part === 15 && size < 64; ) {
      part = this.#decodeNibble(hashes, 1, this.#fieldSets[field]!.sizes);
      size += part;
    }
    return Math.min(size, 64);
  }

  #decodeBits(hashes: Hashes, size: number, field: Field): bigint {
    const { first, rest } = this.#fieldSets[field]!;
    let prefix = 1n;
    let left = size - 1;
    for (let sets = first; left > 0 && (sets === first || field > Field.DISTANCE); sets = rest) {
      const bits = Math.min(4, left);
      const part = this.#decodeNibble(hashes, low32((prefix << 6n) | BigInt(size)), sets);
      prefix = (prefix << BigInt(bits)) | BigInt(part & ((1 << bits) - 1));
      left -= bits;
    }
    for (; left > 0; left -= Math.min(left, 8)) {
      const bits = Math.min(left, 8);
      prefix = (prefix << BigInt(bits)) | BigInt(this.#coder.decodePlain(bits));
    }
    return prefix;
  }

  #decodeNibble(hashes: Hashes, node: number, sets: Sets): number {
    const lines = hashes.map((hash, j) => this.#tables[j]!.find(hashBehind(hash, node)));
    return this.#coder.codeNibble(lines, sets);
  }
}

function hashBehind(hash: number, node: number): number {
  return Math.imul(hash + Math.imul(node, 0x9e3779b1), 0x85ebca6b) >>> 0;
}

function narrow([a, b, c, d]: Hashes, node: number): Hashes {
  return [hashBehind(a, node), hashBehind(b, node), hashBehind(c, node), hashBehind(d, node)];
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
