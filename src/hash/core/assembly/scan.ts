// The rolling scan: the weak hash of the window at each position, looked up in two bit filters.
//
// - The hash of the next position depends on the present one, four cycles of latency a byte. Two positions a step halve
//   that: the second is computed from the same hash as the first, by MULTIPLIER^2.
// - No branch depends on a lookup: each position is stored and the cursor moves on only if it passed. A branch that is
//   taken for one position in ten costs more than the hash.
// - The first filter fits the second-level cache; the second, larger one sees only what passed, many lookups at once.
import { CANDIDATES, FILTERS, MAX_CANDIDATES, SCAN_STATE, STEP_POSITIONS, SURVIVORS } from "./memory";
import { MULTIPLIER } from "./rabinkarp";

// The first filter has coarseMask + 1 bytes, the second 2^(32 - fineShift) from `fine` on.
let coarseMask: u32 = 0;
let fineShift: u32 = 0;
let fine: usize = 0;

/** Empty filters of 2^coarseBits (19 at most) and 2^fineBits bytes. Memory must reach `FILTERS` plus both plus 128 bytes. */
export function clearFilters(coarseBits: u32, fineBits: u32): void {
  coarseMask = (<u32>1 << coarseBits) - 1;
  fineShift = 32 - fineBits;
  fine = FILTERS + (<usize>1 << coarseBits) + 64;
  memory.fill(FILTERS, 0, fine - FILTERS + (<usize>1 << fineBits) + 64);
}

// One bit of the 32 that begin at the byte which the hash's middle bits name: other bits than the second filter takes. A
// shift by a constant and a mask are cheaper than a shift by a variable.
// @ts-ignore: decorator
@inline
function coarseWord(hash: u32, mask: u32): usize {
  return FILTERS + ((hash >> 13) & mask);
}

// @ts-ignore: decorator
@inline
function passesCoarse(hash: u32, mask: u32): u32 {
  return (load<u32>(coarseWord(hash, mask)) >> hash) & 1;
}

// Two bits of the 32 that begin at the byte which the hash's top bits name: one load serves both.
// @ts-ignore: decorator
@inline
function passesFine(hash: u32, shift: u32, from: usize): u32 {
  const word = load<u32>(from + (hash >> shift));
  return (word >> hash) & (word >> (hash >> 5)) & 1;
}

/** Add `count` weak hashes to the filters. */
export function addToFilters(from: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const hash = load<u32>(from + 4 * i);
    const coarse = coarseWord(hash, coarseMask);
    store<u32>(coarse, load<u32>(coarse) | (<u32>1 << (hash & 31)));
    const word = fine + (hash >> fineShift);
    store<u32>(word, load<u32>(word) | (<u32>1 << (hash & 31)) | (<u32>1 << ((hash >> 5) & 31)));
  }
}

/**
 * Scan `positions` windows of `blockBytes` from `from` on, the first of which has the weak hash `first`. `outWeight` is
 * MULTIPLIER to the power of `blockBytes`.
 *
 * Stops early when the candidates' area is nearly full. Up to two bytes behind the last window are read, the first of
 * them for the hash to go on with.
 *
 * SCAN_STATE tells afterwards how many positions are done, and the weak hash of the window at the next one.
 *
 * @returns the number of candidates.
 */
export function scan(from: usize, positions: u32, blockBytes: u32, outWeight: u32, first: u32): u32 {
  const bias = outWeight * (MULTIPLIER - 1);
  const square = MULTIPLIER * MULTIPLIER;
  const mask1 = coarseMask;
  const shift2 = fineShift;
  const filter2 = fine;
  const full = CANDIDATES + 8 * <usize>(MAX_CANDIDATES - STEP_POSITIONS);
  let out = CANDIDATES;
  let hash = first;
  let at: u32 = 0;
  while (at < positions && out <= full) {
    const end = at + min<u32>(STEP_POSITIONS, positions - at);
    const pairsEnd = end & ~1;
    let survivor = SURVIVORS;
    while (at < pairsEnd) {
      const window = from + at;
      const change0 = <u32>load<u8>(window + blockBytes) - <u32>load<u8>(window) * outWeight - bias;
      const change1 = <u32>load<u8>(window + blockBytes, 1) - <u32>load<u8>(window, 1) * outWeight - bias;
      const second = hash * MULTIPLIER + change0;
      store<u32>(survivor, at);
      store<u32>(survivor, hash, 4);
      survivor += passesCoarse(hash, mask1) << 3;
      store<u32>(survivor, at + 1);
      store<u32>(survivor, second, 4);
      survivor += passesCoarse(second, mask1) << 3;
      hash = hash * square + (change0 * MULTIPLIER + change1);
      at += 2;
    }
    if (at < end) {
      const window = from + at;
      store<u32>(survivor, at);
      store<u32>(survivor, hash, 4);
      survivor += passesCoarse(hash, mask1) << 3;
      hash = hash * MULTIPLIER + (<u32>load<u8>(window + blockBytes) - <u32>load<u8>(window) * outWeight - bias);
      at++;
    }
    for (let pair = SURVIVORS; pair < survivor; pair += 8) {
      const candidate = load<u64>(pair);
      store<u64>(out, candidate);
      out += passesFine(<u32>(candidate >> 32), shift2, filter2) << 3;
    }
  }
  store<u32>(SCAN_STATE, at);
  store<u32>(SCAN_STATE, hash, 4);
  return <u32>(out - CANDIDATES) >> 3;
}
