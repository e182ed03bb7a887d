// The XXH64 of target bytes that come in pieces.
import { finishHash, mergeAccumulators, PRIME_1, PRIME_2, PRIME_5, round } from "../../../hash/core/assembly/xxh64";

const STRIPE_BYTES: usize = 32;

// What has come of a stripe that is not whole; before the state.
const STRIPE: usize = 16;
let stripeBytes: usize = 0;

let totalBytes: u64 = 0;
let acc1: u64 = 0;
let acc2: u64 = 0;
let acc3: u64 = 0;
let acc4: u64 = 0;

/** Begin; what was hashed before is forgotten. */
export function startHash(): void {
  stripeBytes = 0;
  totalBytes = 0;
  acc1 = PRIME_1 + PRIME_2;
  acc2 = PRIME_2;
  acc3 = 0;
  acc4 = 0 - PRIME_1;
}

function takeStripes(from: usize, end: usize): void {
  let a = acc1;
  let b = acc2;
  let c = acc3;
  let d = acc4;
  for (let at = from; at < end; at += STRIPE_BYTES) {
    a = round(a, load<u64>(at));
    b = round(b, load<u64>(at, 8));
    c = round(c, load<u64>(at, 16));
    d = round(d, load<u64>(at, 24));
  }
  acc1 = a;
  acc2 = b;
  acc3 = c;
  acc4 = d;
}

/** Take in the next bytes. */
export function updateHash(from: usize, length: usize): void {
  totalBytes += length;
  let at = from;
  const end = from + length;
  if (stripeBytes > 0) {
    const missing = min(STRIPE_BYTES - stripeBytes, length);
    memory.copy(STRIPE + stripeBytes, at, missing);
    stripeBytes += missing;
    at += missing;
    if (stripeBytes < STRIPE_BYTES) return;
    takeStripes(STRIPE, STRIPE + STRIPE_BYTES);
  }
  stripeBytes = (end - at) % STRIPE_BYTES;
  takeStripes(at, end - stripeBytes);
  memory.copy(STRIPE, end - stripeBytes, stripeBytes);
}

/** The hash of all bytes since {@link startHash}. */
export function digestHash(): u64 {
  const hash = totalBytes < STRIPE_BYTES ? PRIME_5 : mergeAccumulators(acc1, acc2, acc3, acc4);
  return finishHash(hash + totalBytes, STRIPE, STRIPE + stripeBytes);
}
