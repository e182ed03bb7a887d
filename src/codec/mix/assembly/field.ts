// What is added to a number of 32 bits tends to be what was added to a number like it before: of the fields of executables
// that were linked anew 85 % have a difference that one of these sources foretells, of other libraries' fields half.
import { findSlot, hashContext } from "../../assembly/contexts";
import { codeDecision } from "./decision";
import { SLOTS, WEIGHT_SET_BYTES } from "../../assembly/layout";
import { differenceOf, isBranch, moveOf, readPlace } from "./place";
import { learnBranch } from "./words";
import { CANDIDATES, DELTA_BYTES, DELTA_TABLE_BITS, DELTA_TABLE_BYTES, DELTAS, ENTRIES, HIT_CONTEXTS, HIT_TABLES, HIT_WEIGHTS_A, HIT_WEIGHTS_B, RECENT, SLOT_TABLE_BITS, SLOT_TABLE_BYTES, SOURCE_SCORES } from "./memory";

/** Sources that are tables; the others are the differences seen last. */
const TABLES: u32 = 6;
const SOURCES: u32 = 8;
/** The sources that look at where a field refers to when it counts from itself, as calls and jumps do (place.ts). */
const PLACED: u32 = (1 << 1) | (1 << 3) | (1 << 4);
const MAX_CONFIDENCE: u32 = 15;

/** The last outcomes, the newest lowest. */
let outcomes: u32 = 0;
/** Of a difference, the first byte that changes and what is below it and stays, as masks. */
let changed: u32 = 0;
let kept: u32 = 0;

@inline
function deltaAt(source: u32, entry: u32): usize {
  return DELTAS + <usize>source * DELTA_TABLE_BYTES + <usize>entry * DELTA_BYTES;
}

@inline
function gatherTable(index: u32, hash: u32): void {
  const entry = hash >> (32 - DELTA_TABLE_BITS);
  store<u32>(ENTRIES + (<usize>index << 2), entry);
  const candidate = CANDIDATES + (<usize>index << 3);
  const held = deltaAt(index, entry);
  store<u32>(candidate, load<u32>(held));
  store<u32>(candidate, load<u8>(held, 4), 4);
}

/**
 * What a placed source holds is how far the place that is referred to has moved, so it is the same for all fields that refer
 * there: the difference follows from that and the field's own shift. This makes Go programs' residuals 20 %, libraries' 8 to 12 % smaller.
 */
@inline
function gatherPlaced(index: u32, hash: u32): void {
  gatherTable(index, hash);
  const candidate = CANDIDATES + (<usize>index << 3);
  const moved = load<u32>(candidate);
  store<u32>(candidate, moved ? differenceOf(moved) : 0);
}

@inline
function difference(source: u32): u32 {
  return load<u32>(CANDIDATES + (<usize>source << 3));
}
@inline
function confidence(source: u32): u32 {
  return load<u32>(CANDIDATES + (<usize>source << 3), 4);
}
@inline
function scoreAt(source: u32): usize {
  return SOURCE_SCORES + <usize>((source << 4) | confidence(source)) * 2;
}

/** The source whose word counts most, apart from those that say `not`; SOURCES when there is none. */
function chooseSource(not: u32): u32 {
  let best: u32 = SOURCES;
  let bestScore: u32 = 0;
  for (let source: u32 = 0; source < SOURCES; source++) {
    const said = difference(source);
    const score = <u32>load<u16>(scoreAt(source));
    if (score > bestScore && said != not && (said & changed) != 0 && (said & kept) == 0) {
      best = source;
      bestScore = score;
    }
  }
  return best;
}

@inline
function find(index: u32, hash: u32): void {
  findSlot(HIT_TABLES + <usize>index * SLOT_TABLE_BYTES, SLOT_TABLE_BITS, index, hash);
}

function codeHit(hit: i32, source: u32, rank: u32, word: u32, behind: u32): i32 {
  const said = difference(source);
  const sure = confidence(source);
  let mask: u32 = 0;
  for (let other: u32 = 0; other < SOURCES; other++) mask |= u32(difference(other) == said) << other;
  find(0, hashContext(mask, rank));
  find(1, hashContext((word >> 12) | ((behind >> 24) << 20), said ^ (rank << 31)));
  find(2, hashContext((outcomes & 255) | (source << 8), rank));
  return codeDecision(
    HIT_CONTEXTS,
    hit,
    SLOTS,
    0,
    HIT_WEIGHTS_A + <usize>((source << 4) | sure | (rank << 7)) * WEIGHT_SET_BYTES,
    HIT_WEIGHTS_B + <usize>(mask | (rank << 8)) * WEIGHT_SET_BYTES,
  );
}

/**
 * Code whether the difference of the field at `b` is one that is foretold.
 *
 * @param actual - the difference (encoder).
 * @param address - the basis offset of the field, `shift`: how much further on it is in the target.
 * @param skipped - how many of its lower bytes stay as they are; the next one does not.
 * @returns the difference, or 0 when it is another.
 */
export function codeField(actual: u32, b: usize, address: u32, shift: u32, skipped: u32): u32 {
  changed = 255 << (8 * skipped);
  kept = (1 << (8 * skipped)) - 1;
  const word = load<u32>(b);
  const behind = load<u32>(b - 4);
  const place = readPlace(b, word, address, shift);
  gatherTable(0, hashContext(word >> 9, 0));
  gatherPlaced(1, hashContext(place >> 8, 3));
  gatherPlaced(4, hashContext(place >> 11, 4));
  gatherTable(5, hashContext(word >> 16, (behind >> 24) | 512));
  gatherTable(2, hashContext(word, 1));
  gatherPlaced(3, hashContext(place, 2));
  memory.copy(CANDIDATES + (TABLES << 3), RECENT, (SOURCES - TABLES) << 3);
  const first = chooseSource(0);
  if (first == SOURCES) return 0;
  const best = difference(first);
  let hit = codeHit(i32(actual == best), first, 0, word, behind);
  outcomes = (outcomes << 1) | hit;
  if (hit) return best;
  const second = chooseSource(best);
  if (second == SOURCES) return 0;
  const next = difference(second);
  hit = codeHit(i32(actual == next), second, 1, word, behind);
  outcomes = (outcomes << 1) | hit;
  return hit ? next : 0;
}

/** Learn the difference of the field that {@link codeField} was asked for. */
export function learnField(actual: u32): void {
  const moved = moveOf(actual);
  if (isBranch() && (difference(1) == actual || difference(3) == actual || difference(4) == actual)) learnBranch();
  for (let source: u32 = 0; source < SOURCES; source++) {
    const score = scoreAt(source);
    const old = <i32>load<u16>(score);
    const right = difference(source) == actual;
    store<u16>(score, old + (((-i32(right) & 65535) - old) >> 5));
    if (source < TABLES) {
      const entry = load<u32>(ENTRIES + (<usize>source << 2));
      const held = deltaAt(source, entry);
      if (!right) store<u32>(held, (PLACED >> source) & 1 ? moved : actual);
      store<u8>(held, right ? min(MAX_CONFIDENCE, confidence(source) + 1) : 0, 4);
    }
  }
  // Move to the front.
  let at: u32 = TABLES;
  while (at < SOURCES - 1 && difference(at) != actual) at++;
  const seen = difference(at) == actual ? min(MAX_CONFIDENCE, confidence(at) + 1) : 0;
  for (; at > TABLES; at--) store<u64>(RECENT + <usize>((at - TABLES) << 3), load<u64>(CANDIDATES + (<usize>(at - 1) << 3)));
  store<u64>(RECENT, <u64>actual | (<u64>seen << 32));
}

/** Prepare the scores: every source is as likely right as wrong. */
export function prepareFields(): void {
  for (let score: usize = 0; score < 16 * SOURCES; score++) store<u16>(SOURCE_SCORES + 2 * score, 32768);
}
