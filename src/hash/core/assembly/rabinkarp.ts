// The weak hash: RabinKarp as librsync defines it. h = 1, then h = h * MULTIPLIER + byte (mod 2^32) for each byte.
import { WEIGHTS } from "./memory";

export const MULTIPLIER: u32 = 0x08104225;

/** MULTIPLIER to the power of `exponent`, mod 2^32. */
export function powerOfMultiplier(exponent: u32): u32 {
  let result: u32 = 1;
  let base = MULTIPLIER;
  for (let rest = exponent; rest != 0; rest >>= 1) {
    if (rest & 1) result *= base;
    base *= base;
  }
  return result;
}

// 32 bytes are one step: acc * MULTIPLIER^32 + sum(byte[j] * MULTIPLIER^(31 - j)). The dot instruction multiplies only
// 16-bit numbers, so each weight is split into high * 65536 + low with a signed low half.
function storeWeight(index: u32, weight: u32): void {
  const low = <i32>(<i16>weight);
  const high = <i32>(weight - <u32>low) >> 16;
  const vector = WEIGHTS + ((index >> 3) << 5) + ((index & 7) << 1);
  store<i16>(vector, <i16>low);
  store<i16>(vector + 16, <i16>high);
}

/** Prepare the weights; once per instance, before any hash. */
export function prepareWeights(): void {
  let weight: u32 = 1;
  for (let j: i32 = 31; j >= 0; j--) {
    storeWeight(<u32>j, weight);
    weight *= MULTIPLIER;
  }
}

/** The weak hash of `length` bytes. */
export function hashWindow(from: usize, length: u32): u32 {
  let at = from;
  const vectorEnd = from + (length & ~31);
  const end = from + length;
  const low0 = v128.load(WEIGHTS);
  const high0 = v128.load(WEIGHTS, 16);
  const low1 = v128.load(WEIGHTS, 32);
  const high1 = v128.load(WEIGHTS, 48);
  const low2 = v128.load(WEIGHTS, 64);
  const high2 = v128.load(WEIGHTS, 80);
  const low3 = v128.load(WEIGHTS, 96);
  const high3 = v128.load(WEIGHTS, 112);
  const step = i32x4.splat(<i32>powerOfMultiplier(32));
  let acc = i32x4(1, 0, 0, 0);
  while (at < vectorEnd) {
    const first = v128.load(at);
    const second = v128.load(at, 16);
    const bytes0 = i16x8.extend_low_i8x16_u(first);
    const bytes1 = i16x8.extend_high_i8x16_u(first);
    const bytes2 = i16x8.extend_low_i8x16_u(second);
    const bytes3 = i16x8.extend_high_i8x16_u(second);
    const low = i32x4.add(
      i32x4.add(i32x4.dot_i16x8_s(bytes0, low0), i32x4.dot_i16x8_s(bytes1, low1)),
      i32x4.add(i32x4.dot_i16x8_s(bytes2, low2), i32x4.dot_i16x8_s(bytes3, low3)),
    );
    const high = i32x4.add(
      i32x4.add(i32x4.dot_i16x8_s(bytes0, high0), i32x4.dot_i16x8_s(bytes1, high1)),
      i32x4.add(i32x4.dot_i16x8_s(bytes2, high2), i32x4.dot_i16x8_s(bytes3, high3)),
    );
    acc = i32x4.add(i32x4.mul(acc, step), i32x4.add(low, i32x4.shl(high, 16)));
    at += 32;
  }
  let hash: u32 =
    i32x4.extract_lane(acc, 0) +
    i32x4.extract_lane(acc, 1) +
    i32x4.extract_lane(acc, 2) +
    i32x4.extract_lane(acc, 3);
  while (at < end) hash = hash * MULTIPLIER + load<u8>(at++);
  return hash;
}
