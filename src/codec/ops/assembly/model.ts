// What the fields of an op are predicted from. A kind, a length or a distance tells more than the bytes it is written in, and
// what followed the same ops before (history.ts) more than all: without it a control stream of a million ops takes a tenth more.
import { codeBit, isDecoding } from "../../assembly/coder";
import { SCRATCH } from "../../assembly/layout";
import { hashContext, setHash } from "../../assembly/contexts";
import { getGuessedDistance, getGuessedHead, getSureness, keepOp } from "./history";
import { RAW } from "./memory";
import { codeNumber, codeTree, countBits, setFollower, setGuesses } from "./number";
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

/** Fields of an op: numbers of weight sets. */
const KIND: u32 = 0;
const LENGTH: u32 = 1;
const DISTANCE: u32 = 2;
const BYTE: u32 = 3;
const TIME: u32 = 4;
const SIZE: u32 = 5;
const SPLICE: u32 = 6;

/** The rare fields, each with a value of its own that it had last: the byte of RUN, the time of TOUCH, then those of HEADER. */
const HEADER_RARE: u32 = 2;

/** The kinds of the last ops, 3 bits each, the last lowest. */
let kinds: u32 = 0;
/** The lengths of the last three ops. */
let length1: u32 = 0;
let length2: u32 = 0;
let length3: u32 = 0;
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
  setHash(0, hashContext(kinds & 0xfff, 0));
  setHash(1, hashContext(kinds & 7, logOf(length1) | 0x100));
  setHash(2, hashContext(kinds & 63, signedLog(distance1) | (logOf(length1) << 8)));
  setHash(3, hashContext(kinds & 63, (logOf(length1) << 8) | logOf(length2) | 0x10000));
  setHash(4, hashContext(kinds & 0x3ffff, 1));
  setHash(5, hashContext(<u32>distance1, kinds & 7));
  setHash(6, hashContext(getGuessedHead() & 7, (getSureness() << 8) | 0x70000));
  setHash(7, hashContext(kinds & 7, 2));
  return codeTree(0, KIND, kinds & 63, 0, 3, kind);
}

/** Code the length of an op of a kind. */
function codeLength(length: u64, kind: u32): u64 {
  const before = (kinds & 63) | (kind << 6);
  const own = load<u32>(own1 + (kind << 2));
  setHash(0, hashContext(before & 0x1c7, 10));
  setHash(1, hashContext(before, logOf(length1) | 0x100));
  setHash(2, hashContext(own, kind | 0x200));
  setHash(3, hashContext(before, logOf(length1) | (logOf(length2) << 8) | (logOf(length3) << 16)));
  setHash(4, hashContext(length1, (kind << 8) | signedLog(distance1) | 0x30000));
  setHash(5, hashContext(length2, kind | ((kinds & 7) << 8) | 0x40000));
  const sure = (getGuessedHead() & 7) == kind ? getSureness() : 0;
  const guess = <i64>(getGuessedHead() >> 3);
  setFollower(guess, sure);
  setHash(6, hashContext(countBits(guess), (sure << 8) | 0x70000));
  setHash(7, hashContext(kind, 11));
  return <u64>codeNumber(<i64>length, LENGTH, false, (kind << 3) | (kinds & 7));
}

/**
 * Code the distance of an op. It is often what leads back to where the jump before came from, or what passes bytes of the target
 * that the basis has not.
 */
function codeDistance(distance: i64, kind: u32, length: u32): i64 {
  const last = kinds & 7;
  const before = last | (kind << 3);
  const passed: i64 = last == DATA || last == RUN ? -(<i64>length1) : -(jump1 + jump2);
  setGuesses(-jump1, passed);
  setHash(0, hashContext(before | ((kinds & 0x38) << 3), 20));
  setHash(1, hashContext(before, logOf(length1) | (logOf(length) << 8) | 0x10000));
  setHash(2, hashContext(<u32>jump1, before | 0x20000));
  setHash(3, hashContext(signedLog(jump1), 21));
  setHash(4, hashContext(last == DATA ? length1 : signedLog(passed), before | 0x30000));
  setHash(5, hashContext(signedLog(jump1) | (signedLog(jump2) << 8), before | 0x40000));
  const sure = getGuessedHead() == ((length << 3) | kind) ? getSureness() : 0;
  setFollower(getGuessedDistance(), sure);
  setHash(6, hashContext(signedLog(getGuessedDistance()), (sure << 8) | 0x70000));
  setHash(7, hashContext(before, signedLog(distance1) | 0x60000));
  return codeNumber(distance, DISTANCE, true, before);
}

/** Code the rare field number `rare`. */
function codeRare(value: i64, rare: u32, field: u32, isSigned: bool, kind: u32): i64 {
  const at = rare1 + (<usize>rare << 3);
  const last = load<i64>(at);
  for (let index: u32 = 0; index < 8; index++) setHash(index, hashContext(rare | 0x100, index & 1 ? <u32>last : 0));
  setFollower(0, 0);
  setGuesses(last, -last);
  const coded = codeNumber(value, field, isSigned, kind);
  store<i64>(at, coded);
  return coded;
}

function codeRareSigned(rare: u32, field: u32, kind: u32): void {
  const decode = isDecoding();
  const coded = codeRare(decode ? 0 : readSignedVarint(), rare, field, true, kind);
  if (decode) writeSignedVarint(coded);
}

/** Code what stands behind the distance of a HEADER. */
function codeHeader(flags: u32): void {
  const decode = isDecoding();
  if (flags & 1) codeRareSigned(HEADER_RARE, SIZE, HEADER);
  if (flags & 4) codeRareSigned(HEADER_RARE + 1, TIME, HEADER);
  for (let text: u32 = 0; text < 3; text++) {
    if ((flags & (8 << text)) == 0) continue;
    for (let part: u32 = 0; part < 3; part++) {
      const coded = codeRare(decode ? 0 : <i64>readVarint(), HEADER_RARE + 2 + 3 * text + part, SPLICE, false, HEADER);
      if (decode) writeVarint(<u64>coded);
    }
  }
}

@inline
function remember(kind: u32, length: u32, distance: i64): void {
  store<u32>(own1 + (kind << 2), length);
  kinds = (kinds << 3) | kind;
  length3 = length2;
  length2 = length1;
  length1 = length;
  distance1 = distance;
  if (distance != 0) {
    jump2 = jump1;
    jump1 = distance;
  }
}

/** Code the op at the cursor. */
function codeOp(): void {
  const decode = isDecoding();
  const head = decode ? 0 : readVarint();
  const kind = codeKind(<u32>head & 7);
  const length = codeLength(head >> 3, kind);
  if (decode) writeVarint((length << 3) | <u64>kind);
  let distance: i64 = 0;
  if (kind == RUN) {
    const byte = decode ? 0 : readByte();
    const coded = codeRare(byte, 0, BYTE, false, kind);
    if (decode) writeByte(<u32>coded);
  } else if (kind != DATA) {
    distance = codeDistance(decode ? 0 : readSignedVarint(), kind, <u32>length);
    if (decode) writeSignedVarint(distance);
    if (kind == TOUCH) codeRareSigned(1, TIME, kind);
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
export function codeForm(ops: i32): i32 {
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
    const byte = <u32>load<u8>(at);
    let out: u32 = 0;
    for (let bit = 7; bit >= 0; bit--) out = (out << 1) | codeBit((byte >> bit) & 1, 32768);
    store<u8>(at, out);
  }
  return to;
}
