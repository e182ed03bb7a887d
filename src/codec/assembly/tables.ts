// The logistic function and its inverse as tables, made with integers alone so that every machine has the same.
import { SQUASH, SQUASH_LIMIT, STRETCH } from "./layout";

/** e^(-1/256) with 22 fractional bits. */
const DECAY: u64 = 4177952;
const ONE: u64 = 1 << 30;

/** Probability (16 bits) that belongs to `x`, in units of 1/256 of a natural logarithm, within the limit. */
@inline
export function squash(x: i32): i32 {
  return load<u16>(SQUASH + ((x + SQUASH_LIMIT) << 1));
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
