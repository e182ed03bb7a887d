// What the fields of an op are predicted from. A kind, a length or a distance tells more than the bytes it is written in, and
// what followed the same ops before (history.ts) more than all: without it a control stream of a million ops takes a tenth more.
import { hashContext, setHash } from "../../assembly/contexts";
import { SCRATCH } from "../../assembly/layout";
import { SETS_BYTES } from "../../assembly/nibble-layout";
import { codeBit, codeEvenly, decoding } from "../../assembly/shares";
import { getGuessedDistance, getGuessedHead, getSureness, keepOp } from "./history";
import { DISTANCE_SETS, KIND_SETS, LENGTH_SETS, RAW } from "./memory";
import { codeBits, codeForm, codeNumber, codeSize, countBits, Field, magnitudeOf, narrow, setsOf, Step } from "./number";
import {
  getCursor,
  isIntact,
  openBytes,
  readByte,
  readSignedVarint,
  readVarint,
  writeByte,
  writeSignedVarint,
  writeVarint,
} from "./varint";

const COPY: u32 = 0;
const DIFF: u32 = 1;
const DATA: u32 = 2;
const RUN: u32 = 3;
const TOUCH: u32 = 4;
const HEADER: u32 = 5;

/** What is coded, in the hashes of contexts. */
const OF_KIND: u32 = 1 << 16;
const OF_LENGTH: u32 = 2 << 16;
const OF_DISTANCE: u32 = 3 << 16;
const OF_RARE: u32 = 4 << 16;

/** Forms of a distance: one that was expected for some reason, or a class of sizes with the sign. */
const NONE: u32 = 0;
const AS_BEFORE: u32 = 1;
const BACK: u32 = 2;
const PASSED: u32 = 3;
const CLASSES: u32 = 4;

/** The rare fields, each with a value of its own that it had last: the byte of RUN, the time of TOUCH, then those of HEADER. */
const HEADER_RARE: u32 = 2;

/** The kinds of the last ops, 3 bits each, the last lowest. */
let kinds: u32 = 0;
/** The length of the last op. */
let length1: u32 = 0;
/** Where the last length of each kind is, u32 each. */
const own1: usize = SCRATCH;
/** The distance of the last op, and the last two that were not 0. */
let distance1: i64 = 0;
let jump1: i64 = 0;
let jump2: i64 = 0;
/** Where the last values of the rare fields are, i64 each. */
const rare1: usize = SCRATCH + 32;

@inline
function logOf(length: u32): u32 {
  return 32 - clz(length);
}
/** Size and sign of a distance. */
@inline
function signedLog(distance: i64): u32 {
  return distance < 0 ? 64 + countBits(<u64>-distance) : countBits(<u64>distance);
}

/** Code a kind. */
function codeKind(kind: u32): u32 {
  const last = kinds & 7;
  setHash(0, hashContext(kinds & 63, OF_KIND | (logOf(length1) << 8) | signedLog(distance1)));
  setHash(1, hashContext(last, OF_KIND));
  setHash(2, hashContext(kinds & 0xfff, OF_KIND | logOf(length1)));
  setHash(3, hashContext(kinds & 0xfff, OF_KIND | (getSureness() << 3) | (getGuessedHead() & 7)));
  return codeForm(kind, KIND_SETS + <usize>last * SETS_BYTES) & 7;
}

/** Code the length of an op of a kind. */
function codeLength(length: u64, kind: u32): u64 {
  const last = kinds & 7;
  const own = load<u32>(own1 + (kind << 2));
  const sure = (getGuessedHead() & 7) == kind ? getSureness() : 0;
  const guess = sure ? getGuessedHead() >> 3 : 0;
  setHash(0, hashContext((last << 3) | kind, OF_LENGTH));
  setHash(1, hashContext(kind, OF_LENGTH));
  setHash(2, hashContext((logOf(length1) << 8) | logOf(own), OF_LENGTH | (last << 3) | kind));
  setHash(3, hashContext(guess, OF_LENGTH | (sure << 3) | kind));
  const sets = LENGTH_SETS + <usize>kind * SETS_BYTES;
  return <u64>codeNumber(<i64>length, <i64>guess, sure > 0, Field.LENGTH, false, sets);
}

/** The class of a size from 1 on. */
@inline
function classOf(size: u32): u32 {
  return u32(size > 3) + u32(size > 6) + u32(size > 10) + u32(size > 14) + u32(size > 18);
}
/** The smallest size of a class. */
@inline
function leastOf(class_: u32): u32 {
  return 1 + 3 * class_ + (class_ > 2 ? class_ - 2 : 0);
}

/**
 * Code the distance of an op. It is often what leads back to where the jump before came from, or what passes bytes of the target
 * that the basis has not.
 */
function codeDistance(distance: i64, kind: u32, length: u32): i64 {
  const last = kinds & 7;
  const sure = getGuessedHead() == ((length << 3) | kind) ? getSureness() : 0;
  const before = getGuessedDistance();
  const back = -jump1;
  const passed: i64 = last == DATA || last == RUN ? -(<i64>length1) : -(jump1 + jump2);
  const equal =
    u32(back == passed) | (sure ? (u32(before == back) << 1) | (u32(before == passed) << 2) | (u32(before == 0) << 3) : 0);
  setHash(0, hashContext(((kinds & 63) << 3) | kind, OF_DISTANCE));
  setHash(1, hashContext((sure << 4) | equal, OF_DISTANCE | (last << 3) | kind));
  setHash(2, hashContext(kind, OF_DISTANCE));
  setHash(3, hashContext((u32(sure > 3) << 7) | (last << 4) | equal, OF_DISTANCE | signedLog(jump1)));

  const magnitude = magnitudeOf(distance);
  const actual = countBits(magnitude);
  let form = NONE;
  if (distance != 0) {
    if (sure > 0 && distance == before) form = AS_BEFORE;
    else if (distance == back) form = BACK;
    else if (distance == passed) form = PASSED;
    else form = CLASSES + 2 * classOf(actual) + u32(distance < 0);
  }
  form = codeForm(form, DISTANCE_SETS + <usize>kind * SETS_BYTES);
  if (form < CLASSES) return form == NONE ? 0 : form == AS_BEFORE ? before : form == BACK ? back : passed;
  narrow(form);
  const size = codeSize(actual, leastOf((form - CLASSES) >> 1), Field.DISTANCE);
  const coded = <i64>codeBits(magnitude, size, Field.DISTANCE);
  return form & 1 ? -coded : coded;
}

/** Code the rare field number `rare`. */
function codeRare(value: i64, rare: u32, field: Field, isSigned: bool, kind: u32): i64 {
  const at = rare1 + (<usize>rare << 3);
  const last = load<i64>(at);
  setHash(0, hashContext(rare, OF_RARE));
  setHash(1, hashContext(<u32>last, OF_RARE | rare));
  setHash(2, hashContext(signedLog(last), OF_RARE | rare));
  setHash(3, hashContext(kind, OF_RARE | field));
  const coded = codeNumber(value, last, true, field, isSigned, setsOf(field, Step.FORM));
  store<i64>(at, coded);
  return coded;
}

function codeRareSigned(rare: u32, field: Field, kind: u32): void {
  const decode = decoding;
  const coded = codeRare(decode ? 0 : readSignedVarint(), rare, field, true, kind);
  if (decode) writeSignedVarint(coded);
}

/** Code what stands behind the distance of a HEADER. */
function codeHeader(flags: u32): void {
  const decode = decoding;
  if (flags & 1) codeRareSigned(HEADER_RARE, Field.SIZE, HEADER);
  if (flags & 4) codeRareSigned(HEADER_RARE + 1, Field.TIME, HEADER);
  for (let text: u32 = 0; text < 3; text++) {
    if ((flags & (8 << text)) == 0) continue;
    for (let part: u32 = 0; part < 3; part++) {
      const coded = codeRare(decode ? 0 : <i64>readVarint(), HEADER_RARE + 2 + 3 * text + part, Field.SPLICE, false, HEADER);
      if (decode) writeVarint(<u64>coded);
    }
  }
}

@inline
function remember(kind: u32, length: u32, distance: i64): void {
  store<u32>(own1 + (kind << 2), length);
  kinds = (kinds << 3) | kind;
  length1 = length;
  distance1 = distance;
  if (distance != 0) {
    jump2 = jump1;
    jump1 = distance;
  }
}

/** Code the op at the cursor. */
function codeOp(): void {
  const decode = decoding;
  const head = decode ? 0 : readVarint();
  const kind = codeKind(<u32>head & 7);
  const length = codeLength(head >> 3, kind);
  if (decode) writeVarint((length << 3) | <u64>kind);
  let distance: i64 = 0;
  if (kind == RUN) {
    const byte = decode ? 0 : readByte();
    const coded = codeRare(byte, 0, Field.BYTE, false, kind);
    if (decode) writeByte(<u32>coded);
  } else if (kind != DATA) {
    distance = codeDistance(decode ? 0 : readSignedVarint(), kind, <u32>length);
    if (decode) writeSignedVarint(distance);
    if (kind == TOUCH) codeRareSigned(1, Field.TIME, kind);
    else if (kind == HEADER) codeHeader(<u32>(length - 1) & 63);
  }
  remember(kind, <u32>length, distance);
  keepOp((length << 3) | <u64>kind, distance);
}

/** Whether the raw segment of `length` bytes is a sequence of whole ops as a writer writes them. */
export function isOps(length: u32): bool {
  openBytes(RAW, RAW + <usize>length);
  while (getCursor() < RAW + <usize>length && isIntact()) {
    const head = readVarint();
    const kind = <u32>head & 7;
    if (kind > HEADER) return false;
    if (kind == RUN) readByte();
    else if (kind != DATA) readSignedVarint();
    if (kind == TOUCH) readSignedVarint();
    else if (kind == HEADER) {
      const flags = <u32>((head >> 3) - 1) & 63;
      if (flags & 1) readSignedVarint();
      if (flags & 4) readSignedVarint();
      for (let text: u32 = 0; text < 3; text++) {
        for (let part = 0; part < 3 && (flags & (8 << text)) != 0; part++) readVarint();
      }
    }
  }
  return isIntact();
}

/** Code whether the segment is ops. */
export function codeWhetherOps(ops: i32): i32 {
  return codeBit(ops, 65535);
}

/** Code ops from raw position `from` to at least `to`; returns where it stopped. */
export function codeOps(from: u32, to: u32, end: u32): u32 {
  openBytes(RAW + <usize>from, RAW + <usize>end);
  while (getCursor() < RAW + <usize>to) codeOp();
  return <u32>(getCursor() - RAW);
}

/** Code bytes that are no ops, as they are. */
export function codeBytes(from: u32, to: u32): u32 {
  for (let at = RAW + <usize>from; at < RAW + <usize>to; at++) {
    store<u8>(at, codeEvenly(load<u8>(at), 8));
  }
  return to;
}
