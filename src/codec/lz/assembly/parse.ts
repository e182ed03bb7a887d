// The parser: which tokens to code. It looks for the cheapest way through a block, by the prices of the moment, from each
// position to all that one token reaches, and to those that a literal and a match at the last distance reach behind it:
// otherwise such ways are lost, since a position keeps only its cheapest way.
import { isAreaFilling } from "./area";
import { BLOCK, MATCHES, NODE_BYTES, NODES, PATH } from "./encoder-memory";
import { findMatches, insertUpTo, matchLength } from "./finder";
import { needsFound, readMatches } from "./found";
import {
  afterLiteral,
  afterMatch,
  afterRep,
  afterShortRep,
  codeDistance,
  codeLength,
  codeLiteral,
  codeMatchFlag,
  codeRepFlag,
  codeRepIndex,
  foretellMatchFlag,
  history,
  lastLengthSlot,
  lengthSlot,
  literalRun,
  passLiteral,
  passMatch,
  position,
  priceLiteral,
  Rep,
  rep0,
  rep1,
  rep2,
  rep3,
  state,
  useDistance,
  useRep,
} from "./model";
import { costOf } from "./tables";
import {
  distancePrice,
  lengthPrice,
  matchFlagPrice,
  refreshPrices,
  repFlagPrice,
  repIndexPrice,
  roughLiteralPrice,
} from "./prices";

/** The longest match. */
const MAX_LENGTH: u32 = 4097;
const FAR: u32 = 0xffffffff;
/**
 * Where a match of so many bytes goes on for more than a few, literals are of little use: a rough price of them will do, which
 * saves up to a tenth of the parser's time and costs 0.05 %.
 */
const COVERING_LENGTH: u32 = 24;
const COVERED_AHEAD: u32 = 12;
/**
 * What a literal costs more than its bits, in 1/64 bits: two of them take a decoder as long as a match. Machine code and packages become
 * 0.5 % smaller to 0.2 % larger; 40 makes all larger.
 */
const LITERAL_CHARGE: u32 = 24;

let base: usize = 0;
let niceLength: u32 = 0;
let optimal: bool = false;
/** Whether another instance finds the matches. */
let isFed: bool = false;
let tokens: u32 = 0;
let refreshAt: u32 = 0;

export function setParser(nice: u32, isOptimal: bool, fed: bool): void {
  isFed = fed;
  niceLength = nice;
  optimal = isOptimal;
}

/** What was learned has changed at once: prices are worth nothing. */
export function forgetPrices(): void {
  refreshAt = 0;
}

export function setParserBase(newBase: usize): void {
  base = newBase;
}

// A node: how a position in the block is reached at the least price. `first` bytes at `code` (a number of a last distance,
// or 4 + a distance); if `first` is 0, or if `second` is not, then a literal; if `second` is not 0, then so many bytes at
// the distance before.
@unmanaged
class Node {
  price: u32;
  from: u32;
  first: u32;
  code: u32;
  second: u32;
  state: u32;
  rep0: u32;
  rep1: u32;
  rep2: u32;
  rep3: u32;
  /** Literals before it, 15 at most, and the slot of the last length. */
  run: u32;
  lengthSlot: u32;
}

@inline
function nodeAt(index: u32): Node {
  return changetype<Node>(NODES + <usize>index * NODE_BYTES);
}

@inline
function bytes(at: u32): usize {
  return base + <usize>at;
}

@inline
function matchesAt(at: u32, ahead: u32): u32 {
  return isFed ? readMatches(at) : findMatches(at, ahead);
}

@inline
function passUpTo(to: u32, end: u32): void {
  if (!isFed) insertUpTo(to, end);
}

/** Tail at a place, as the model has it. */
@inline
function tailAt(at: u32): u32 {
  return bswap(load<u32>(bytes(at) - 4));
}

function emitLiteral(): void {
  codeMatchFlag(0);
  const byte = <u32>load<u8>(bytes(position));
  codeLiteral(byte);
  passLiteral(byte);
  tokens++;
}

function emitMatch(length: u32, code: u32): void {
  codeMatchFlag(1);
  let next: u32;
  if (code < 4) {
    codeRepFlag(Rep.ANY, 1);
    if (length == 1) {
      codeRepIndex(4);
      next = afterShortRep(state);
    } else {
      codeRepIndex(code);
      useRep(code);
      codeLength(1, length);
      next = afterRep(state);
    }
  } else {
    codeRepFlag(Rep.ANY, 0);
    codeLength(0, length);
    codeDistance(code - 4, length);
    useDistance(code - 4);
    next = afterMatch(state);
  }
  passMatch(length, next);
  tokens++;
}

let reach: u32 = 0;

@inline
function relax(to: u32, price: u32, from: u32, first: u32, code: u32, second: u32): void {
  while (reach < to) nodeAt(++reach).price = FAR;
  const node = nodeAt(to);
  if (price >= node.price) return;
  node.price = price;
  node.from = from;
  node.first = first;
  node.code = code;
  node.second = second;
}

/** Give a node the state and the distances that its way leads to. */
function settle(node: Node): void {
  const from = nodeAt(node.from);
  let now = from.state;
  let r0 = from.rep0;
  let r1 = from.rep1;
  let r2 = from.rep2;
  let r3 = from.rep3;
  let run = from.run;
  let slot = from.lengthSlot;
  if (node.first) {
    const code = node.code;
    run = 0;
    if (node.first > 1) slot = lengthSlot(node.first);
    if (code < 4) {
      now = node.first == 1 ? afterShortRep(now) : afterRep(now);
      if (code == 1) {
        const d = r1;
        r1 = r0;
        r0 = d;
      } else if (code == 2) {
        const d = r2;
        r2 = r1;
        r1 = r0;
        r0 = d;
      } else if (code == 3) {
        const d = r3;
        r3 = r2;
        r2 = r1;
        r1 = r0;
        r0 = d;
      }
    } else {
      now = afterMatch(now);
      r3 = r2;
      r2 = r1;
      r1 = r0;
      r0 = code - 4;
    }
  }
  if (node.first == 0 || node.second) {
    now = afterLiteral(now);
    run = min<u32>(run + 1, 15);
  }
  if (node.second) {
    now = afterRep(now);
    run = 0;
    slot = lengthSlot(node.second);
  }
  node.state = now;
  node.run = run;
  node.lengthSlot = slot;
  node.rep0 = r0;
  node.rep1 = r1;
  node.rep2 = r2;
  node.rep3 = r3;
}

/** Code the way to node `last`. */
function emitPath(last: u32): void {
  let count: u32 = 0;
  for (let i = last; i > 0; i = nodeAt(i).from) {
    store<u32>(PATH + ((<usize>count) << 2), i);
    count++;
  }
  while (count > 0) {
    count--;
    const node = nodeAt(load<u32>(PATH + ((<usize>count) << 2)));
    if (node.first) emitMatch(node.first, node.code);
    if (node.first == 0 || node.second) emitLiteral();
    if (node.second) emitMatch(node.second, 0);
  }
}

/** The price of a literal at `at` and a match of `length` bytes at the last distance behind it, in state `now`. */
function literalAndRepPrice(at: u32, now: u32, length: u32): u32 {
  const then = afterLiteral(now);
  return (
    matchFlagPrice(now, at, 0) +
    roughLiteralPrice(load<u8>(bytes(at - 1)), load<u8>(bytes(at))) +
    matchFlagPrice(then, at + 1, 1) +
    repFlagPrice(Rep.ANY, then, 1) +
    repIndexPrice(0, then) +
    lengthPrice(1, at + 1, length)
  );
}

@inline
function repOf(node: Node, index: u32): u32 {
  return index == 0 ? node.rep0 : index == 1 ? node.rep1 : index == 2 ? node.rep2 : node.rep3;
}

/** Try what goes on `length` bytes behind the node with a literal and the same distance again. */
@inline
function relaxBehind(
  i: u32,
  at: u32,
  length: u32,
  distance: u32,
  ahead: u32,
  price: u32,
  next: u32,
  first: u32,
  code: u32,
): void {
  const start = length + 1;
  if (start + 2 > ahead) return;
  const here = bytes(at + start);
  if (load<u16>(here) != load<u16>(here - distance)) return;
  const again = matchLength(here, here - distance, 2, min(ahead - start, niceLength));
  relax(i + start + again, price + literalAndRepPrice(at + length, next, again), i, first, code, again);
}

/** Parse from the position on and code what comes out: a block, or less where a long match ends it. */
function codeBlock(end: u32): void {
  if (tokens >= refreshAt) {
    refreshPrices();
    refreshAt = tokens + min<u32>(256, 1 + tokens / 4);
  }
  const origin = position;
  const start = nodeAt(0);
  start.price = 0;
  start.state = state;
  start.rep0 = rep0;
  start.rep1 = rep1;
  start.rep2 = rep2;
  start.rep3 = rep3;
  start.run = min<u32>(literalRun, 15);
  start.lengthSlot = lastLengthSlot;
  reach = 0;
  const blockEnd = min<u32>(end - origin, BLOCK);
  /** How far matches go that began in the block. */
  let covered: u32 = 0;
  let i: u32 = 0;
  while (i < blockEnd) {
    const node = nodeAt(i);
    if (i > 0) settle(node);
    const at = origin + i;
    const here = bytes(at);
    const ahead = min(end - at, MAX_LENGTH);
    const known = history + i;
    const now = node.state;
    const price = node.price;
    const count = matchesAt(at, ahead);

    // A match that is long enough is taken at once.
    let bestRep: u32 = 0;
    let bestRepLength: u32 = 0;
    const short = load<u16>(here);
    for (let index: u32 = 0; index < 4; index++) {
      const distance = repOf(node, index);
      let length: u32 = 0;
      if (distance <= known && ahead >= 2 && short == load<u16>(here - distance)) {
        length = matchLength(here, here - distance, 2, ahead);
      }
      if (length > bestRepLength) {
        bestRep = index;
        bestRepLength = length;
      }
      store<u32>(MATCHES + 8 * 500 + (<usize>index << 2), length);
    }
    let found: u32 = 0;
    let foundDistance: u32 = 0;
    if (count) {
      found = load<u32>(MATCHES + (<usize>(count - 1) << 3));
      foundDistance = load<u32>(MATCHES + (<usize>(count - 1) << 3), 4);
      if (found >= niceLength) found = matchLength(here, here - foundDistance, found, ahead);
    }
    if (max(bestRepLength, found) >= niceLength) {
      emitPath(i);
      if (bestRepLength + 3 >= found) emitMatch(bestRepLength, bestRep);
      else emitMatch(found, 4 + foundDistance);
      passUpTo(position, end);
      return;
    }

    const byte = <u32>load<u8>(here);
    const match = node.rep0 <= known ? <u32>load<u8>(here - node.rep0) : 0;
    const tail = tailAt(at);
    const flag = foretellMatchFlag(at, tail, match, now, node.run, node.lengthSlot);
    const isCovered = i + COVERED_AHEAD < covered;
    const literalPrice = isCovered
      ? roughLiteralPrice(tail & 255, byte)
      : priceLiteral(byte, tail, match, now);
    const literal = price + costOf(0, flag) + LITERAL_CHARGE + literalPrice;
    const longest = max(found, bestRepLength);
    if (longest >= COVERING_LENGTH) covered = max(covered, i + longest);
    relax(i + 1, literal, i, 0, 0, 0);
    const anyMatch = price + costOf(1, flag);
    const anyRep = anyMatch + repFlagPrice(Rep.ANY, now, 1);
    if (node.rep0 <= known) {
      if (byte == match) relax(i + 1, anyRep + repIndexPrice(4, now), i, 1, 0, 0);
      else relaxBehind(i, at, 0, node.rep0, ahead, price, now, 0, 0);
    }

    for (let index: u32 = 0; index < 4; index++) {
      const length = load<u32>(MATCHES + 8 * 500 + (<usize>index << 2));
      if (length < 2) continue;
      const repPrice = anyRep + repIndexPrice(index, now);
      for (let l: u32 = 2; l <= length; l++) relax(i + l, repPrice + lengthPrice(1, at, l), i, l, index, 0);
      relaxBehind(i, at, length, repOf(node, index), ahead, repPrice + lengthPrice(1, at, length), afterRep(now), length, index);
    }
    let l: u32 = 2;
    const anyNew = anyMatch + repFlagPrice(Rep.ANY, now, 0);
    for (let k: u32 = 0; k < count; k++) {
      const length = load<u32>(MATCHES + (<usize>k << 3));
      const distance = load<u32>(MATCHES + (<usize>k << 3), 4);
      for (; l <= length; l++) {
        relax(i + l, anyNew + lengthPrice(0, at, l) + distancePrice(distance, l), i, l, 4 + distance, 0);
      }
      relaxBehind(
        i,
        at,
        length,
        distance,
        ahead,
        anyNew + lengthPrice(0, at, length) + distancePrice(distance, length),
        afterMatch(now),
        length,
        4 + distance,
      );
    }
    i++;
    // All ways meet here.
    if (i == reach) break;
  }
  if (i > 0) emitPath(i);
}

/** The longest match at the position: quick, and good enough for low efforts. */
function codeGreedy(end: u32): void {
  const at = position;
  const here = bytes(at);
  const ahead = min(end - at, MAX_LENGTH);
  const count = matchesAt(at, ahead);
  let length: u32 = 0;
  let distance: u32 = 0;
  if (count) {
    length = load<u32>(MATCHES + (<usize>(count - 1) << 3));
    distance = load<u32>(MATCHES + (<usize>(count - 1) << 3), 4);
    if (length >= niceLength) length = matchLength(here, here - distance, length, ahead);
    if ((length == 2 && distance > 128) || (length == 3 && distance > 1 << 14)) length = 0;
  }
  let rep: u32 = 0;
  let repLength: u32 = 0;
  for (let index: u32 = 0; index < 4; index++) {
    const d = index == 0 ? rep0 : index == 1 ? rep1 : index == 2 ? rep2 : rep3;
    if (d > history || ahead < 2 || load<u16>(here) != load<u16>(here - d)) continue;
    const l = matchLength(here, here - d, 2, ahead);
    if (l > repLength) {
      repLength = l;
      rep = index;
    }
  }
  if (repLength >= 2 && (repLength + 1 >= length || (repLength + 2 >= length && distance >= 512) || (repLength + 3 >= length && distance >= 1 << 15))) {
    emitMatch(repLength, rep);
  } else if (length >= 2) emitMatch(length, 4 + distance);
  else emitLiteral();
  passUpTo(position, end);
}

/** Code up to `end`, 0 when that is done, or until the area of coded bytes must be emptied (1) or matches are needed (2). */
export function codePiece(end: u32): u32 {
  passUpTo(position, end);
  while (position != end) {
    if (isAreaFilling()) return 1;
    if (isFed && needsFound(end)) return 2;
    if (optimal) codeBlock(end);
    else codeGreedy(end);
  }
  return 0;
}
