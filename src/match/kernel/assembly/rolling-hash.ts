// The polynomial hash by which short seeds are found: see ../../rolling-hash.ts.
const MULTIPLIER: u32 = 0x08104225;
const GOLDEN_RATIO: u32 = 0x9e3779b1;

/** The weights of the byte that leaves a hash of 8 or 16 bytes, and of 8 bytes before 8 others. */
const SQUARE: u32 = MULTIPLIER * MULTIPLIER;
const FOURTH: u32 = SQUARE * SQUARE;
export const WEIGHT_8: u32 = FOURTH * FOURTH;
export const WEIGHT_16: u32 = WEIGHT_8 * WEIGHT_8;

@inline
function hash4(at: usize): u32 {
  const first = <u32>load<u8>(at) * MULTIPLIER + <u32>load<u8>(at, 1);
  const second = <u32>load<u8>(at, 2) * MULTIPLIER + <u32>load<u8>(at, 3);
  return first * SQUARE + second;
}

@inline
export function hash8(at: usize): u32 {
  return hash4(at) * FOURTH + hash4(at + 4);
}

@inline
export function hash16(at: usize): u32 {
  return hash8(at) * WEIGHT_8 + hash8(at + 8);
}

@inline
export function rollHash(hash: u32, entering: u32, leaving: u32, weight: u32): u32 {
  return hash * MULTIPLIER + (entering - weight * leaving);
}

@inline
export function spreadHash(hash: u32): u32 {
  return hash * GOLDEN_RATIO;
}
