/** Parameters of the polynomial hash by which short seeds are found: of all 32-bit numbers this keeps machine code apart well. */
const MULTIPLIER = 0x08104225;
const GOLDEN_RATIO = 0x9e3779b1;

/** The weight, in a hash of `length` bytes that goes on by one, of the byte that leaves. */
export function outWeight(length: number): number {
  let weight = 1;
  for (let i = 0; i < length; i++) weight = Math.imul(weight, MULTIPLIER);
  return weight;
}

/** The hash of `length` bytes from `at`. */
export function hashBytes(bytes: Uint8Array, at: number, length: number): number {
  let hash = 0;
  for (let i = at; i < at + length; i++) hash = (Math.imul(hash, MULTIPLIER) + bytes[i]!) | 0;
  return hash;
}

/** The hash one byte further on. */
export function rollHash(hash: number, entering: number, leaving: number, weight: number): number {
  return (Math.imul(hash, MULTIPLIER) + entering - Math.imul(weight, leaving)) | 0;
}

/** The bits of a hash spread so that the upper ones depend on all. */
export function spreadHash(hash: number): number {
  return Math.imul(hash, GOLDEN_RATIO);
}
