// The tokens' grammar and what each decision is predicted from. Encoder and decoder run the same functions: the encoder
// gives what is coded, the decoder takes what they return.
import { codeBit } from "./coder";
import { hashContext } from "../../assembly/contexts";
import { codeDecision, codeSimpleBit, codeSmallDecision, foretellDecision } from "./decision";
import {
  ALIGN_0,
  ALIGN_1,
  ALIGN_2,
  ALIGN_3,
  ALIGN_WEIGHTS,
  DIRECT_BYTES,
  DISTANCE_TOP,
  FLAG_TABLE_BITS,
  FLAG_TABLE_BYTES,
  FLAG_TABLES,
  FRESH_LINE,
  LENGTH_0,
  LENGTH_1,
  LENGTH_2,
  LENGTH_3,
  LENGTH_EXTRA,
  LENGTH_WEIGHTS,
  LINE_BYTES,
  LINE_TABLE_BITS,
  LINE_TABLE_BYTES,
  LINE_TABLES,
  LITERAL_0,
  LITERAL_1,
  LITERAL_2,
  LITERAL_MAPS,
  LITERAL_WEIGHTS_A,
  LITERAL_WEIGHTS_B,
  MAP_ROW_BYTES,
  MATCH_0,
  MATCH_1,
  MATCH_2,
  MATCH_3,
  MATCH_MAPS,
  MATCH_WEIGHTS_A,
  MATCH_WEIGHTS_B,
  REP_0,
  REP_1,
  REP_2,
  REP_3,
  REP_WEIGHTS,
  SLOT_0,
  SLOT_1,
  SLOT_2,
  SLOT_3,
  SLOT_WEIGHTS,
  SLOTS,
  WEIGHT_SET_BYTES,
} from "./memory";
import { costOf } from "./tables";

/** Where the byte at position p is: base + (p & mask). */
let base: usize = 0;
let mask: u32 = 0xffffffff;
/** Bytes coded so far modulo 2^32, and how many of them can be referred to. */
export let position: u32 = 0;
export let history: u32 = 0;
let windowBytes: u32 = 0;

/** The last four bytes, the last lowest. */
let tail: u32 = 0;
/** What the last tokens were, as in LZMA: below 7 the last was a literal. */
export let state: u32 = 0;
export let rep0: u32 = 1;
export let rep1: u32 = 1;
export let rep2: u32 = 1;
export let rep3: u32 = 1;
/** Literals since the last match, the slots of the last length and the last distance. */
export let literalRun: u32 = 0;
export let lastLengthSlot: u32 = 0;
let lastDistanceSlot: u32 = 0;

export const enum Rep {
  ANY,
  NOT_0,
  LONG_0,
  NOT_1,
  NOT_2,
}

export function setWindow(newBase: usize, newMask: u32, bytes: u32): void {
  base = newBase;
  mask = newMask;
  windowBytes = bytes;
}

@inline
export function byteAt(at: u32): u32 {
  return load<u8>(base + <usize>(at & mask));
}

@inline
export function storeByte(at: u32, byte: u32): void {
  store<u8>(base + <usize>(at & mask), byte);
}

@inline
function matchByte(): u32 {
  return rep0 - 1 < history ? byteAt(position - rep0) : 0;
}

@inline
export function afterLiteral(from: u32): u32 {
  return from < 4 ? 0 : from < 10 ? from - 3 : from - 6;
}

@inline
export function afterMatch(from: u32): u32 {
  return from < 7 ? 7 : 10;
}

@inline
export function afterRep(from: u32): u32 {
  return from < 7 ? 8 : 11;
}

@inline
export function afterShortRep(from: u32): u32 {
  return from < 7 ? 9 : 11;
}

@inline
function setSlot(index: u32, address: usize): void {
  store<u32>(SLOTS + (<usize>index << 2), <u32>address);
}

@inline
function findFlag(slot: u32, table: u32, hash: u32): void {
  const mixed = hash ^ (hash >> 13);
  const entry =
    FLAG_TABLES + <usize>table * FLAG_TABLE_BYTES + (<usize>(mixed >> (32 - FLAG_TABLE_BITS)) << 2);
  // Without a branch: whether the check holds cannot be foreseen.
  const held = load<u32>(entry);
  store<u32>(entry, select<u32>(held, mixed & 0xffff, ((held ^ mixed) & 0xffff) == 0));
  setSlot(slot, entry + 2);
}

/** The line of a context with this hash; whether it is the context's or another's, `claimLine` finds out. */
@inline
function lineOf(table: u32, mixed: u32): usize {
  return LINE_TABLES + <usize>table * LINE_TABLE_BYTES + <usize>(mixed >> (32 - LINE_TABLE_BITS)) * LINE_BYTES;
}

@inline
function claimLine(slot: u32, line: usize, held: u32, mixed: u32, keep: bool): void {
  if (held != (mixed & 0xffff)) {
    if (keep) line = FRESH_LINE;
    else {
      const fresh = i16x8.splat(0);
      v128.store(line, i16x8.replace_lane(fresh, 0, <i16>mixed));
      v128.store(line, fresh, 16);
    }
  }
  setSlot(slot, line);
}

/** Find the lines of the hashed contexts. All checks are loaded before the first is looked at: so the misses overlap. */
@inline
function findLines(h0: u32, h1: u32, h2: u32, keep: bool): void {
  const m0 = h0 ^ (h0 >> 13);
  const m1 = h1 ^ (h1 >> 13);
  const m2 = h2 ^ (h2 >> 13);
  const line0 = lineOf(0, m0);
  const line1 = lineOf(1, m1);
  const line2 = lineOf(2, m2);
  const held0 = <u32>load<u16>(line0);
  const held1 = <u32>load<u16>(line1);
  const held2 = <u32>load<u16>(line2);
  claimLine(3, line0, held0, m0, keep);
  claimLine(4, line1, held1, m1, keep);
  claimLine(5, line2, held2, m2, keep);
}

@inline
function lower(counters: usize, index: u32): usize {
  return counters + (<usize>index << 1);
}

@inline
function peekFlag(slot: u32, table: u32, hash: u32): void {
  const mixed = hash ^ (hash >> 13);
  const entry =
    FLAG_TABLES + <usize>table * FLAG_TABLE_BYTES + (<usize>(mixed >> (32 - FLAG_TABLE_BITS)) << 2);
  setSlot(slot, select<usize>(entry + 2, FRESH_LINE + 2, load<u16>(entry) == <u16>mixed));
}

/** How probable it is (12 bits) that a match begins at `at`, after `tail`, in `from`, with the match byte `m`. */
export function foretellMatchFlag(at: u32, tail: u32, m: u32, from: u32, run: u32, lengthSlot: u32): u32 {
  const c1 = tail & 255;
  const place = (from << 2) | (at & 3);
  setSlot(0, lower(MATCH_0, place));
  setSlot(1, lower(MATCH_1, (from << 8) | c1));
  peekFlag(2, 0, hashContext(tail & 0xffff, from));
  peekFlag(3, 1, hashContext(tail & 0xffffff, m));
  setSlot(4, lower(MATCH_2, (m << 8) | c1));
  setSlot(5, lower(MATCH_3, (run << 5) | lengthSlot));
  return foretellDecision(
    0,
    MATCH_WEIGHTS_A + <usize>place * WEIGHT_SET_BYTES,
    MATCH_WEIGHTS_B + <usize>c1 * WEIGHT_SET_BYTES,
  );
}

/** Whether a match begins here (1) or a literal (0). */
export function codeMatchFlag(bit: i32): i32 {
  const c1 = tail & 255;
  const m = matchByte();
  const run = min<u32>(literalRun, 15);
  setSlot(0, lower(MATCH_0, (state << 2) | (position & 3)));
  setSlot(1, lower(MATCH_1, (state << 8) | c1));
  findFlag(2, 0, hashContext(tail & 0xffff, state));
  findFlag(3, 1, hashContext(tail & 0xffffff, m));
  setSlot(4, lower(MATCH_2, (m << 8) | c1));
  setSlot(5, lower(MATCH_3, (run << 5) | lastLengthSlot));
  return codeDecision(
    bit,
    0,
    MATCH_WEIGHTS_A + <usize>((state << 2) | (position & 3)) * WEIGHT_SET_BYTES,
    MATCH_WEIGHTS_B + <usize>c1 * WEIGHT_SET_BYTES,
    MATCH_MAPS + <usize>((state << 4) | run) * MAP_ROW_BYTES,
  );
}

export function codeRepFlag(kind: u32, bit: i32): i32 {
  const run = min<u32>(literalRun, 3);
  return codeSmallDecision(
    bit,
    lower(REP_0, (kind << 4) | state),
    lower(REP_1, (kind << 8) | (tail & 255)),
    lower(REP_2, (kind << 9) | (matchByte() << 1) | u32(state >= 7)),
    lower(REP_3, (kind << 7) | (lastLengthSlot << 2) | run),
    REP_WEIGHTS + <usize>((kind << 4) | state) * WEIGHT_SET_BYTES,
  );
}

/** The slot of a length, 2 to 4097, less 2: itself below 16, then two for each power of 2. */
@inline
export function lengthSlot(rest: u32): u32 {
  if (rest < 16) return rest;
  const log = 31 - clz(rest);
  return 8 + 2 * log + ((rest >> (log - 1)) & 1);
}

/** Code or decode the `bits` bits of `value`, the highest first, each from its node in four trees of counters. */
@inline
function codeTree(bits: u32, value: u32, t0: usize, t1: usize, t2: usize, t3: usize, weights: usize): u32 {
  let node: u32 = 1;
  for (let i = bits; i > 0; i--) {
    const bit = codeSmallDecision(
      (value >> (i - 1)) & 1,
      lower(t0, node),
      lower(t1, node),
      lower(t2, node),
      lower(t3, node),
      weights + <usize>node * WEIGHT_SET_BYTES,
    );
    node = (node << 1) | bit;
  }
  return node & ((1 << bits) - 1);
}

export function codeLength(rep: u32, length: u32): u32 {
  const rest = length - 2;
  const slot = lengthSlot(rest);
  const l0 = LENGTH_0 + <usize>((rep << 2) | (position & 3)) * 64;
  const l1 = LENGTH_1 + <usize>((rep << 4) | state) * 64;
  const l2 = LENGTH_2 + <usize>((rep << 8) | (tail & 255)) * 64;
  const l3 = LENGTH_3 + <usize>((rep << 10) | (rep ? matchByte() : 256 + lastLengthSlot)) * 64;
  const weights = LENGTH_WEIGHTS + <usize>(rep << 5) * WEIGHT_SET_BYTES;
  const got = codeTree(5, slot, l0, l1, l2, l3, weights);
  lastLengthSlot = got;
  if (got < 16) return got + 2;
  const bits = (got - 8) / 2 - 1;
  return (((2 | (got & 1)) << bits) | codeTop(LENGTH_EXTRA + <usize>(got - 16) * 32, bits, rest)) + 2;
}

/** `bits` bits of `value`: the first three from a tree of counters, the others as they are. */
function codeTop(tree: usize, bits: u32, value: u32): u32 {
  let node: u32 = 1;
  let got: u32 = 0;
  for (let i = bits; i > 0; i--) {
    const given = (value >> (i - 1)) & 1;
    let bit: u32;
    if (node < 8) {
      bit = codeSimpleBit(given, lower(tree, node));
      node = (node << 1) | bit;
    } else bit = codeBit(given, 32768);
    got = (got << 1) | bit;
  }
  return got;
}

/** The slot of a distance less 1: itself below 4, then two for each power of 2. */
@inline
export function distanceSlot(rest: u32): u32 {
  if (rest < 4) return rest;
  const log = 31 - clz(rest);
  return 2 * log + ((rest >> (log - 1)) & 1);
}

@inline
export function lengthState(length: u32): u32 {
  return min<u32>(length - 2, 3);
}

/** Code or decode the distance of a match of `length` bytes. */
export function codeDistance(distance: u32, length: u32): u32 {
  const rest = distance - 1;
  const slot = distanceSlot(rest);
  const from = lengthState(length);
  const l0 = SLOT_0 + <usize>from * 128;
  const l1 = SLOT_1 + <usize>((from << 8) | (tail & 255)) * 128;
  const l2 = SLOT_2 + <usize>((from << 6) | lastDistanceSlot) * 128;
  const l3 = SLOT_3 + <usize>(hashContext(tail & 0xffff, min<u32>(length, 6)) >> 20) * 128;
  const weights = SLOT_WEIGHTS + <usize>(from << 6) * WEIGHT_SET_BYTES;
  const got = codeTree(6, slot, l0, l1, l2, l3, weights);
  lastDistanceSlot = got;
  if (got < 4) return got + 1;
  const bits = (got >> 1) - 1;
  const top = (2 | (got & 1)) << bits;
  if (bits <= 4) return (top | codeTop(DISTANCE_TOP + <usize>got * 32, bits, rest)) + 1;
  const upper = codeTop(DISTANCE_TOP + <usize>got * 32, bits - 4, rest >> 4);
  // The lowest four bits, the lowest first: what is aligned has equal ones.
  const a1 = ALIGN_1 + <usize>got * 32;
  const a2 = ALIGN_2 + <usize>((rep0 - 1) & 15) * 32;
  const a3 = ALIGN_3 + <usize>(position & 15) * 32;
  let low: u32 = 0;
  let node: u32 = 1;
  for (let i: u32 = 0; i < 4; i++) {
    const bit = codeSmallDecision(
      (rest >> i) & 1,
      lower(ALIGN_0, node),
      lower(a1, node),
      lower(a2, node),
      lower(a3, node),
      ALIGN_WEIGHTS + <usize>node * WEIGHT_SET_BYTES,
    );
    node = (node << 1) | bit;
    low |= <u32>bit << i;
  }
  return (top | (upper << 4) | low) + 1;
}

@inline
function literalClass(from: u32): u32 {
  return from >= 7 ? 2 : from == 0 ? 0 : 1;
}

let hash0: u32 = 0;
let hash1: u32 = 0;
let hash2: u32 = 0;

@inline
function setDirectLines(at: u32, c1: u32, m: u32, kind: u32, line: usize): void {
  setSlot(0, LITERAL_0 + <usize>(at & 3) * DIRECT_BYTES + line);
  setSlot(1, LITERAL_1 + <usize>c1 * DIRECT_BYTES + line);
  setSlot(2, LITERAL_2 + <usize>((kind << 8) | m) * DIRECT_BYTES + line);
}

@inline
function setFirstLines(at: u32, tail: u32, m: u32, kind: u32, keep: bool): void {
  const c1 = tail & 255;
  setDirectLines(at, c1, m, kind, 0);
  hash0 = hashContext(tail & 0xffff, 0);
  hash1 = hashContext(tail & 0xffff00, 1);
  hash2 = hashContext((m << 8) | c1, 2 + kind);
  findLines(hash0, hash1, hash2, keep);
}

@inline
function second(hash: u32, node: u32): u32 {
  return (hash + node * 0x9e3779b1) * 0x85ebca6b;
}

@inline
function setSecondLines(at: u32, c1: u32, m: u32, kind: u32, node: u32, keep: bool): void {
  setDirectLines(at, c1, m, kind, <usize>(1 + (node & 15)) * LINE_BYTES);
  findLines(second(hash0, node), second(hash1, node), second(hash2, node), keep);
}

export function codeLiteral(byte: u32): u32 {
  const m = matchByte();
  const kind = literalClass(state);
  setFirstLines(position, tail, m, kind, false);
  let node: u32 = 1;
  for (let depth: u32 = 0; depth < 8; depth++) {
    if (depth == 4) setSecondLines(position, tail & 255, m, kind, node, false);
    const inNibble = depth < 4 ? node : (node & ((1 << (depth - 4)) - 1)) | (1 << (depth - 4));
    const agrees = u32((m | 256) >> (8 - depth) == node);
    const set = (kind << 1) | agrees;
    const bit = codeDecision(
      (byte >> (7 - depth)) & 1,
      <usize>inNibble << 1,
      LITERAL_WEIGHTS_A + <usize>((kind << 8) | node) * WEIGHT_SET_BYTES,
      LITERAL_WEIGHTS_B + <usize>((set << 3) | depth) * WEIGHT_SET_BYTES,
      LITERAL_MAPS + <usize>((set << 8) | node) * MAP_ROW_BYTES,
    );
    node = (node << 1) | bit;
  }
  return node & 255;
}

/** What it would cost to code `byte` as a literal at `at`, after `tail`, in `from`, with the match byte `m`. */
export function priceLiteral(byte: u32, at: u32, tail: u32, m: u32, from: u32): u32 {
  const kind = literalClass(from);
  setFirstLines(at, tail, m, kind, true);
  let node: u32 = 1;
  let price: u32 = 0;
  for (let depth: u32 = 0; depth < 8; depth++) {
    if (depth == 4) setSecondLines(at, tail & 255, m, kind, node, true);
    const inNibble = depth < 4 ? node : (node & ((1 << (depth - 4)) - 1)) | (1 << (depth - 4));
    const agrees = u32((m | 256) >> (8 - depth) == node);
    const bit = (byte >> (7 - depth)) & 1;
    price += costOf(
      bit,
      foretellDecision(
        <usize>inNibble << 1,
        LITERAL_WEIGHTS_A + <usize>((kind << 8) | node) * WEIGHT_SET_BYTES,
        LITERAL_WEIGHTS_B + <usize>((((kind << 1) | agrees) << 3) | depth) * WEIGHT_SET_BYTES,
      ),
    );
    node = (node << 1) | bit;
  }
  return price;
}

/** A literal has been coded. */
@inline
export function passLiteral(byte: u32): void {
  tail = (tail << 8) | byte;
  position++;
  if (history < windowBytes) history++;
  state = afterLiteral(state);
  literalRun++;
}

/** A match of `length` bytes has been coded, and its bytes are in place. */
@inline
export function passMatch(length: u32, newState: u32): void {
  position += length;
  history = min(windowBytes, history + length);
  for (let back = min<u32>(length, 4); back > 0; back--) tail = (tail << 8) | byteAt(position - back);
  state = newState;
  literalRun = 0;
}

/** Make the distance of number `index` the first. */
export function useRep(index: u32): void {
  if (index == 0) return;
  const distance = index == 1 ? rep1 : index == 2 ? rep2 : rep3;
  if (index == 3) rep3 = rep2;
  if (index >= 2) rep2 = rep1;
  rep1 = rep0;
  rep0 = distance;
}

export function useDistance(distance: u32): void {
  rep3 = rep2;
  rep2 = rep1;
  rep1 = rep0;
  rep0 = distance;
}

/** Code or decode which of the last distances a match has: 0 to 3, or 4 for 0 with a length of 1. */
export function codeRepIndex(index: u32): u32 {
  if (!codeRepFlag(Rep.NOT_0, i32(index != 0 && index != 4))) {
    return codeRepFlag(Rep.LONG_0, i32(index == 0)) ? 0 : 4;
  }
  if (!codeRepFlag(Rep.NOT_1, i32(index != 1))) return 1;
  return codeRepFlag(Rep.NOT_2, i32(index != 2)) ? 3 : 2;
}
