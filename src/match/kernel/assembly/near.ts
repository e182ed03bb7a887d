// Seeds of 8 bytes around the place where the basis goes on: see ../../near-index.ts.
import { basis, basisBytes } from "./inputs";
import { hash8, rollHash, spreadHash, WEIGHT_8 } from "./rolling-hash";

export const NEAR_SEED_BYTES: i32 = 8;
const NEAR_BYTES: i32 = 1 << 11;
const INDEX_BITS: u32 = 13;

let offsets: usize = 0;
let indexedFrom: i32 = 0;
let indexedTo: i32 = 0;

/** The index takes 32 KiB. */
export function setNear(at: usize): void {
  offsets = at;
}

export function startNear(): void {
  memory.fill(offsets, 0xff, 4 << INDEX_BITS);
  indexedFrom = 0;
  indexedTo = 0;
}

@inline
function slotOf(hash: u32): usize {
  return offsets + (<usize>(spreadHash(hash) >> (32 - INDEX_BITS)) << 2);
}

function index(from: i32, to: i32): void {
  const start = from > indexedTo || from < indexedFrom ? from : indexedTo;
  if (start == from) indexedFrom = from;
  const end = min(to + NEAR_BYTES, basisBytes - NEAR_SEED_BYTES + 1);
  indexedTo = max(start, end);
  if (end <= start) return;
  let at = basis + <usize>start;
  let hash = hash8(at);
  for (let place = start; ; ) {
    store<i32>(slotOf(hash), place);
    if (++place >= end) break;
    hash = rollHash(hash, load<u8>(at, 8), load<u8>(at), WEIGHT_8);
    at++;
  }
}

/** Index what is near `basisAt`, a place inside the basis. */
@inline
export function moveNear(basisAt: i32): void {
  const to = min(basisAt + NEAR_BYTES, basisBytes - NEAR_SEED_BYTES + 1);
  if (to > indexedTo || basisAt < indexedFrom) index(max(0, basisAt - NEAR_BYTES), to);
}

/** Offset of a seed near the place last moved to that may have this hash, or −1. */
@inline
export function findNear(hash: u32): i32 {
  return load<i32>(slotOf(hash));
}
