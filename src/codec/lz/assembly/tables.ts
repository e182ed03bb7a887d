// What bits cost, as a table for the parser.
import { COSTS } from "./memory";

/** A bit, in the parser's prices. */
export const COST_BITS: i32 = 6;

/** What it costs that a bit is `bit` when the probability of 1 is `p`, 12 bits. */
@inline
export function costOf(bit: u32, p: u32): u32 {
  return load<u16>(COSTS + <usize>((bit ? p : 4095 - p) << 1));
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
