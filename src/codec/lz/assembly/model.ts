// The tokens' grammar and what each decision is predicted from. Encoder and decoder run the same functions: the encoder
// gives what is coded, the decoder takes what they return.
import { hashContext } from "../../assembly/contexts";
import { SLOTS } from "../../assembly/layout";
import { codeNibble, findLine, peekLine, setLine } from "../../assembly/nibble";
import { LINE_BYTES, SETS_BYTES } from "../../assembly/nibble-layout";
import { codeEvenly } from "../../assembly/shares";
import { codeDecision, codeSmallDecision, foretellDecision } from "./decision";
import {
  DIRECT_BYTES,
  DISTANCE_SETS,
  FIRST_0,
  FIRST_1,
  FIRST_2,
  FIRST_3,
  FLAG_TABLE_BITS,
  FLAG_TABLE_BYTES,
  FLAG_TABLES,
  FRESH_LINE,
  LEARNED,
  LEARNED_BYTES,
  LENGTH_0,
  LENGTH_1,
  LENGTH_2,
  LENGTH_3,
  LENGTH_SETS,
  LINE_TABLE,
  LINE_TABLE_BITS,
  LITERAL_0,
  LITERAL_1,
  LITERAL_2,
  LITERAL_SETS,
  LOWEST_0,
  LOWEST_1,
  LOWEST_2,
  LOWEST_3,
  LOWEST_SETS,
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
  SCALE_0,
  SCALE_1,
  SCALE_2,
  SCALE_3,
  WEIGHT_SET_BYTES,
} from "./memory";
import { priceNibble } from "./nibble-prices";

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

/** The line of a hashed context as number 3; where it only serves a price, one that another context has stays as it is. */
@inline
function setHashedLine(hash: u32, keep: bool): void {
  setLine(3, keep ? peekLine(LINE_TABLE, LINE_TABLE_BITS, hash, FRESH_LINE) : findLine(LINE_TABLE, LINE_TABLE_BITS, hash));
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

/** The number of the highest bit. */
@inline
function logarithm(value: u32): u32 {
  return 31 - clz(value);
}

/** The slot from which on a length is told by a second nibble too. */
const LONG: u32 = 15;

/** The slot of a length: itself less 2 below 17, else one for each power of 2 of what is more than 16. */
@inline
export function lengthSlot(length: u32): u32 {
  return length < LONG + 2 ? length - 2 : LONG + logarithm(length - LONG - 1);
}

@inline
function setLengthLines(rep: u32, nibble: u32): void {
  const behind = <usize>nibble * LINE_BYTES;
  setLine(0, LENGTH_0 + <usize>((rep << 2) | (position & 3)) * (2 * LINE_BYTES) + behind);
  setLine(1, LENGTH_1 + <usize>((rep << 4) | state) * (2 * LINE_BYTES) + behind);
  setLine(2, LENGTH_2 + <usize>((rep << 8) | (tail & 255)) * (2 * LINE_BYTES) + behind);
  setLine(3, LENGTH_3 + <usize>(rep ? 512 | matchByte() : lastLengthSlot) * (2 * LINE_BYTES) + behind);
}

/** Code or decode the length of a match: of one of the last distances if `rep` is 1. */
export function codeLength(rep: u32, length: u32): u32 {
  const slot = lengthSlot(length);
  setLengthLines(rep, 0);
  const first = codeNibble(min(slot, LONG), LENGTH_SETS + <usize>(rep << 1) * SETS_BYTES);
  if (first < LONG) {
    lastLengthSlot = first;
    return first + 2;
  }
  setLengthLines(rep, 1);
  const log = codeNibble(slot - LONG, LENGTH_SETS + <usize>((rep << 1) | 1) * SETS_BYTES);
  lastLengthSlot = LONG + log;
  return LONG + 1 + ((1 << log) | codeEvenly(length - LONG - 1, log));
}

@inline
export function lengthState(length: u32): u32 {
  return min<u32>(length - 2, 3);
}

/** The scale of a distance: its logarithm, and the 3 bits behind the highest one. */
@inline
export function scaleOf(distance: u32): u32 {
  const log = logarithm(distance);
  const first = log < 3 ? (distance << (3 - log)) & 7 : (distance >> (log - 3)) & 7;
  return (log << 3) | first;
}

/** Code or decode the distance of a match of `length` bytes. */
export function codeDistance(distance: u32, length: u32): u32 {
  const from = lengthState(length);
  const c1 = tail & 255;
  const before = hashContext(tail & 0xffff, min<u32>(length, 6));
  const scale = scaleOf(distance);
  setLine(0, SCALE_0 + <usize>from * LINE_BYTES);
  setLine(1, SCALE_1 + <usize>((from << 8) | c1) * LINE_BYTES);
  setLine(2, SCALE_2 + <usize>((from << 6) | lastDistanceSlot) * LINE_BYTES);
  setLine(3, SCALE_3 + <usize>(before >> 20) * LINE_BYTES);
  const half = codeNibble(scale >> 4, DISTANCE_SETS + <usize>(from << 1) * SETS_BYTES);
  setLine(0, FIRST_0 + <usize>((half << 2) | from) * LINE_BYTES);
  setLine(1, FIRST_1 + <usize>((half << 8) | c1) * LINE_BYTES);
  setLine(2, FIRST_2 + <usize>((half << 6) | lastDistanceSlot) * LINE_BYTES);
  setLine(3, FIRST_3 + <usize>(second(before, half) >> 20) * LINE_BYTES);
  const first = codeNibble(scale & 15, DISTANCE_SETS + <usize>((from << 1) | 1) * SETS_BYTES);
  const got = (half << 4) | first;
  lastDistanceSlot = got >> 2;
  const log = got >> 3;
  const top = 8 | (got & 7);
  if (log <= 3) return top >> (3 - log);
  const bits = log - 3;
  // What is aligned has equal lowest bits.
  const lowest = min<u32>(bits, 4);
  const upper = (top << (bits - lowest)) | codeEvenly(distance >> lowest, bits - lowest);
  setLine(0, LOWEST_0 + <usize>log * LINE_BYTES);
  setLine(1, LOWEST_1 + <usize>got * LINE_BYTES);
  setLine(2, LOWEST_2 + <usize>((lowest << 4) | (rep0 & 15)) * LINE_BYTES);
  setLine(3, LOWEST_3 + <usize>((lowest << 4) | (position & 15)) * LINE_BYTES);
  return (upper << lowest) + codeNibble(distance & ((1 << lowest) - 1), LOWEST_SETS + <usize>lowest * SETS_BYTES);
}

@inline
function literalClass(from: u32): u32 {
  return from >= 7 ? 2 : from == 0 ? 0 : 1;
}

@inline
function second(hash: u32, nibble: u32): u32 {
  return (hash + (16 + nibble) * 0x9e3779b1) * 0x85ebca6b;
}

let line0: usize = 0;
let line1: usize = 0;
let line2: usize = 0;
let literalHash: u32 = 0;

@inline
function setFirstLines(tail: u32, m: u32, kind: u32, keep: bool): void {
  line0 = LITERAL_0 + <usize>(tail & 255) * DIRECT_BYTES;
  line1 = LITERAL_1 + <usize>((kind << 8) | m) * DIRECT_BYTES;
  line2 = LITERAL_2 + <usize>((tail >> 8) & 255) * DIRECT_BYTES;
  literalHash = hashContext(tail & 0xffff, 0);
  setLine(0, line0);
  setLine(1, line1);
  setLine(2, line2);
  setHashedLine(literalHash, keep);
}

@inline
function setSecondLines(upper: u32, keep: bool): void {
  const behind = <usize>(1 + upper) * LINE_BYTES;
  setLine(0, line0 + behind);
  setLine(1, line1 + behind);
  setLine(2, line2 + behind);
  setHashedLine(second(literalHash, upper), keep);
}

@inline
function firstSets(kind: u32): usize {
  return LITERAL_SETS + <usize>kind * SETS_BYTES;
}

@inline
function secondSets(kind: u32, m: u32, upper: u32): usize {
  return LITERAL_SETS + <usize>(3 + 3 * u32(m >> 4 == upper) + kind) * SETS_BYTES;
}

export function codeLiteral(byte: u32): u32 {
  const m = matchByte();
  const kind = literalClass(state);
  setFirstLines(tail, m, kind, false);
  const upper = codeNibble(byte >> 4, firstSets(kind));
  setSecondLines(upper, false);
  return (upper << 4) | codeNibble(byte & 15, secondSets(kind, m, upper));
}

/** What it would cost to code `byte` as a literal after `tail`, in `from`, with the match byte `m`. */
export function priceLiteral(byte: u32, tail: u32, m: u32, from: u32): u32 {
  const kind = literalClass(from);
  const upper = byte >> 4;
  setFirstLines(tail, m, kind, true);
  const price = priceNibble(upper, firstSets(kind));
  setSecondLines(upper, true);
  return price + priceNibble(byte & 15, secondSets(kind, m, upper));
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

/** `run` where there are so many literals that more make no difference. */
const LONG_RUN: u32 = 15;

/** What the last tokens were, behind a stored segment, which has none. */
@inline
function forgetTokens(): void {
  state = 0;
  literalRun = LONG_RUN;
}

/** `length` bytes that are stored as they are have been taken in, and are in place. */
export function passStored(length: u32): void {
  passMatch(length, state);
  forgetTokens();
}

let keptRep0: u32 = 1;
let keptRep1: u32 = 1;
let keptRep2: u32 = 1;
let keptRep3: u32 = 1;
let keptLengthSlot: u32 = 0;
let keptDistanceSlot: u32 = 0;

/** Keep at `to` what is known before a segment that may come to be stored. */
export function keepLearned(to: usize): void {
  memory.copy(to, LEARNED, LEARNED_BYTES);
  keptRep0 = rep0;
  keptRep1 = rep1;
  keptRep2 = rep2;
  keptRep3 = rep3;
  keptLengthSlot = lastLengthSlot;
  keptDistanceSlot = lastDistanceSlot;
}

/** The segment that has been coded is stored: be as its decoder is behind it, given what was kept. */
export function unlearn(from: usize): void {
  memory.copy(LEARNED, from, LEARNED_BYTES);
  rep0 = keptRep0;
  rep1 = keptRep1;
  rep2 = keptRep2;
  rep3 = keptRep3;
  lastLengthSlot = keptLengthSlot;
  lastDistanceSlot = keptDistanceSlot;
  forgetTokens();
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
