// Seeds of 16 bytes of the whole basis: see ../../seed-index.ts.
import { basis, basisBytes, target } from "./inputs";
import { hash16, hash8, rollHash, spreadHash, WEIGHT_16, WEIGHT_8 } from "./rolling-hash";

export const SEED_BYTES: i32 = 16;
const SEED_STEP_BYTES: i32 = 8;
const BATCH: i32 = 16;

let slots: usize = 0;
let slotShift: u32 = 0;
let numberBits: u32 = 0;
let batch: usize = 0;
let batchStart: i32 = -BATCH;

@inline
function lastNumber(): u32 {
  return (basisBytes - SEED_BYTES) / SEED_STEP_BYTES + 1;
}

export function setBatch(at: usize): void {
  batch = at;
}

/** Say where the index of the basis is: it has 2^slotBits slots. */
export function setSlots(at: usize, slotBits: u32): void {
  slots = at;
  slotShift = 32 - slotBits;
  numberBits = 32 - clz<u32>(lastNumber());
}

/** Forget what was looked up in another target. */
export function startSeeds(): void {
  batchStart = -BATCH;
}

/**
 * Index the basis, of which there are 16 bytes at least: the slots of part `part` of `2^partBits`, which hold zeros. Parts can
 * be filled at the same time.
 */
export function fillSlots(part: u32, partBits: u32): void {
  const last = lastNumber();
  const partShift = 31 - partBits;
  let after = hash8(basis + <usize>(last * SEED_STEP_BYTES));
  for (let number = last; number > 0; number--) {
    const step = hash8(basis + <usize>((number - 1) * SEED_STEP_BYTES));
    const spread = spreadHash(step * WEIGHT_8 + after);
    if ((spread >> 1) >> partShift == part) {
      store<u32>(slots + (<usize>(spread >> slotShift) << 2), (spread << numberBits) | number);
    }
    after = step;
  }
}

/** Sixteen positions at once: each is a cache miss, and a processor waits for many at the same time. */
function findAll(at: i32): void {
  const mask = (<u32>1 << numberBits) - 1;
  let from = target + <usize>at;
  let hash = hash16(from);
  for (let i = 0; i < BATCH; i++) {
    const spread = spreadHash(hash);
    const entry = load<u32>(slots + (<usize>(spread >> slotShift) << 2));
    const number = entry & mask;
    const isFound = number > 0 && ((entry ^ (spread << numberBits)) & ~mask) == 0;
    store<i32>(batch + (<usize>i << 2), isFound ? (number - 1) * SEED_STEP_BYTES : -1);
    hash = rollHash(hash, load<u8>(from, 16), load<u8>(from), WEIGHT_16);
    from++;
  }
}

/** Offset of a seed that has most likely the hash of that at `at`, or −1. */
@inline
export function findSeed(at: i32): i32 {
  if (at - batchStart >= BATCH || at < batchStart) {
    findAll(at);
    batchStart = at;
  }
  return load<i32>(batch + (<usize>(at - batchStart) << 2));
}
