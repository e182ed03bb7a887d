// The match finder: binary trees of the window's strings, one for each hash of 4 bytes, and the last place of each hash of
// 2 and 3 bytes. Places are held plus 1, so that 0 is none.
import { HASH2, HASH3, HASH3_BITS, MATCHES } from "./encoder-memory";

let base: usize = 0;
let hash4: usize = 0;
let hash4Bits: u32 = 0;
let tree: usize = 0;
let treeMask: u32 = 0;
let maxDepth: u32 = 0;
let niceLength: u32 = 0;
/** All places before this one are in the tree. */
export let inserted: u32 = 0;
/** Places before it that exist, at most as many as the tree holds. */
let known: u32 = 0;

export function setFinder(newHash4: usize, bits: u32, newTree: usize, windowBytes: u32, depth: u32, nice: u32): void {
  hash4 = newHash4;
  hash4Bits = bits;
  tree = newTree;
  treeMask = windowBytes - 1;
  maxDepth = depth;
  niceLength = nice;
}

export function setFinderBase(newBase: usize): void {
  base = newBase;
}

/** How many matches a place has at most: those of the trees, and of the hashes of 2 and 3 bytes. */
@inline
export function matchLimit(depth: u32): usize {
  return <usize>depth + 2;
}

/** How many of the `limit` bytes at `a` and at `b` are equal from the beginning on, at least `length`. */
@inline
export function matchLength(a: usize, b: usize, length: u32, limit: u32): u32 {
  while (length + 8 <= limit) {
    const different = load<u64>(a + length) ^ load<u64>(b + length);
    if (different) return length + <u32>(ctz(different) >> 3);
    length += 8;
  }
  while (length < limit && load<u8>(a + length) == load<u8>(b + length)) length++;
  return length;
}

/** What was loaded ahead of time; nothing reads it. */
let sink: u32 = 0;

@inline
function bucketOf(bytes: u32): usize {
  return hash4 + (<usize>((bytes * 0x9e3779b1) >> (32 - hash4Bits)) << 2);
}

/**
 * Load what the next insertions begin with, so that it is in the cache by then: memory is what a search waits for (half of
 * the encoder's time, a quarter of that for the heads of the trees).
 */
@inline
function loadAhead(here: usize): void {
  const head = load<u32>(bucketOf(load<u32>(here + 1))) - 1;
  sink ^= load<u32>(tree + (<usize>(head & treeMask) << 3)) ^ load<u32>(bucketOf(load<u32>(here + 3)));
}

@inline
function record(count: u32, length: u32, distance: u32): void {
  store<u32>(MATCHES + (<usize>count << 3), length);
  store<u32>(MATCHES + (<usize>count << 3), distance, 4);
}

/**
 * A string is inserted when so many of its bytes are known. What is equal as far as it is known takes the other's place in
 * the tree and lets its subtree go, since what is behind is not known: shorter strings would let go too much.
 */
const LEAST_AHEAD: u32 = 16;

/**
 * Insert the place `inserted`, of which `ahead` bytes are known, and list matches at MATCHES, each longer than
 * the one before, unless `quiet`.
 *
 * @returns how many there are.
 */
function insert(ahead: u32, quiet: bool): u32 {
  const at = inserted++;
  const limit = known;
  if (known < treeMask) known++;
  const here = base + <usize>at;
  const first = load<u32>(here);
  const lengthLimit = min(ahead, niceLength);
  let count: u32 = 0;
  let longest: u32 = 3;

  const place2 = HASH2 + (<usize>(first & 0xffff) << 2);
  const place3 = HASH3 + (<usize>(((first & 0xffffff) * 0x9e3779b1) >> (32 - HASH3_BITS)) << 2);
  const place4 = bucketOf(first);
  loadAhead(here);
  const last2 = load<u32>(place2) - 1;
  const last3 = load<u32>(place3) - 1;
  let other = load<u32>(place4) - 1;
  store<u32>(place2, at + 1);
  store<u32>(place3, at + 1);
  store<u32>(place4, at + 1);
  if (!quiet) {
    let short: u32 = 1;
    const distance2 = at - last2;
    if (distance2 - 1 < limit && load<u16>(here) == load<u16>(here - distance2)) {
      short = matchLength(here, here - distance2, 2, lengthLimit);
      record(count++, short, distance2);
    }
    const distance3 = at - last3;
    if (distance3 != distance2 && distance3 - 1 < limit && ((load<u32>(here - distance3) ^ first) & 0xffffff) == 0) {
      const length = matchLength(here, here - distance3, 3, lengthLimit);
      if (length > short) record(count++, (short = length), distance3);
    }
    longest = max(longest, short);
  }

  // The two open ends: strings before this one and behind it.
  const node = tree + (<usize>(at & treeMask) << 3);
  let before = node;
  let behind = node + 4;
  let lengthBefore: u32 = 0;
  let lengthBehind: u32 = 0;
  let depth = maxDepth;
  while (true) {
    const distance = at - other;
    if (distance - 1 >= limit || depth-- == 0) {
      store<u32>(before, 0);
      store<u32>(behind, 0);
      return count;
    }
    const pair = tree + (<usize>(other & treeMask) << 3);
    const there = here - distance;
    // Before the strings are compared: which of both comes next cannot be foreseen, and so they are on their way together.
    const pairBefore = load<u32>(pair);
    const pairBehind = load<u32>(pair, 4);
    const length = matchLength(here, there, min(lengthBefore, lengthBehind), lengthLimit);
    if (length > longest) {
      longest = length;
      if (!quiet) record(count++, length, distance);
    }
    if (length == lengthLimit) {
      const isWhole = lengthLimit == niceLength;
      store<u32>(before, isWhole ? pairBefore : 0);
      store<u32>(behind, isWhole ? pairBehind : 0);
      return count;
    }
    if (load<u8>(there + length) < load<u8>(here + length)) {
      store<u32>(before, other + 1);
      before = pair + 4;
      other = pairBehind - 1;
      lengthBefore = length;
    } else {
      store<u32>(behind, other + 1);
      behind = pair;
      other = pairBefore - 1;
      lengthBehind = length;
    }
  }
}

/** List matches as `insert` does, at a place of which too few bytes are known to insert it. */
function search(at: u32, ahead: u32): u32 {
  const limit = min(treeMask, known + (at - inserted));
  const here = base + <usize>at;
  const first = load<u32>(here);
  let other = load<u32>(bucketOf(first)) - 1;
  let count: u32 = 0;
  let longest: u32 = 3;
  for (let depth = maxDepth; depth > 0; depth--) {
    const distance = at - other;
    if (distance - 1 >= limit) break;
    const there = here - distance;
    const length = matchLength(here, there, 0, ahead);
    if (length > longest) {
      longest = length;
      record(count++, length, distance);
    }
    if (length == ahead) break;
    const pair = tree + (<usize>(other & treeMask) << 3);
    other = load<u32>(load<u8>(there + length) < load<u8>(here + length) ? pair + 4 : pair) - 1;
  }
  return count;
}

/** List matches at the place `at`, of which `ahead` bytes are known; all places before it are inserted that can be. */
export function findMatches(at: u32, ahead: u32): u32 {
  if (ahead >= LEAST_AHEAD) return insert(ahead, false);
  return ahead < 4 ? 0 : search(at, min(ahead, niceLength));
}

/** Insert the places before `to`, as far as enough bytes of each are known up to `end`. */
export function insertUpTo(to: u32, end: u32): void {
  while (inserted != to && end - inserted >= LEAST_AHEAD) insert(end - inserted, true);
}
