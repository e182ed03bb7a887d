// The logistic function and its inverse as tables, made with integers alone so that every machine has the same.
import { COSTS, SQUASH, SQUASH_LIMIT, STRETCH } from "./memory";

/** e^(-1/256) with 22 fractional bits. */
const DECAY: u64 = 4177952;
const ONE: u64 = 1 << 30;

/** A bit, in the parser's prices. */
export const COST_BITS: i32 = 6;

/** Probability (16 bits) that belongs to `x`, in units of 1/256 of a natural logarithm, within the limit. */
@inline
export function squash(x: i32): i32 {
  return load<u16>(SQUASH + ((x + SQUASH_LIMIT) << 1));
}

/** What it costs that a bit is `bit` when the probability of 1 is `p`, 12 bits. */
@inline
export function costOf(bit: u32, p: u32): u32 {
  return load<u16>(COSTS + <usize>((bit ? p : 4095 - p) << 1));
}

/** Fill both tables. */
export function makeTables(): void {
  // falling = e^(-x/256) with 30 fractional bits.
  let falling = ONE;
  for (let x = 0; x <= SQUASH_LIMIT; x++) {
    const below = max<u64>(1, (falling * 65536 + ((ONE + falling) >> 1)) / (ONE + falling));
    store<u16>(SQUASH + ((SQUASH_LIMIT - x) << 1), <u16>below);
    store<u16>(SQUASH + ((SQUASH_LIMIT + x) << 1), <u16>(65536 - below));
    falling = (falling * DECAY) >> 22;
  }
  // stretch is the first x whose squash reaches the middle of the probability's interval.
  let x = -SQUASH_LIMIT;
  for (let p = 0; p < 4096; p++) {
    while (x < SQUASH_LIMIT && squash(x) < p * 16 + 8) x++;
    store<i16>(STRETCH + (p << 1), <i16>x);
  }
}

/** Fill the table of costs: -log2((2p + 1) / 8192), by squaring. */
export function makeCosts(): void {
  for (let p: u32 = 0; p < 4096; p++) {
    let w: u64 = 2 * p + 1;
    let bits: u32 = 0;
    for (let i = 0; i < COST_BITS; i++) {
      w *= w;
      bits <<= 1;
      while (w >= 1 << 16) {
        w >>= 1;
        bits++;
      }
    }
    store<u16>(COSTS + <usize>(p << 1), <u16>max<i32>(1, (13 << COST_BITS) - 15 - <i32>bits));
  }
}
