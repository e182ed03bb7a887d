import type { RdiffWeakHash } from "./format.ts";
import type { WeakKernel } from "./kernel/load.ts";

/** The weak hash of no bytes. */
export const EMPTY_WEAK_HASH: Readonly<Record<RdiffWeakHash, number>> = { rollsum: 0, rabinkarp: 1 };

/** Continues weak hashes over bytes of any number. */
export class WeakHasher {
  readonly #kernel: WeakKernel;
  readonly #memory: Uint8Array;
  readonly #update: (hash: number, from: number, length: number) => number;

  constructor(kernel: WeakKernel, kind: RdiffWeakHash) {
    const { kernels, map } = kernel;
    this.#kernel = kernel;
    this.#memory = new Uint8Array(kernels.memory.buffer, map.input, map.inputBytes);
    this.#update = kind === "rollsum" ? kernels.updateRollsum : kernels.updateRabinKarp;
  }

  /** The hash of the bytes that `hash` stands for and of `bytes` behind them. */
  update(hash: number, bytes: Uint8Array): number {
    const { input, inputBytes } = this.#kernel.map;
    let continued = hash;
    for (let at = 0; at < bytes.length; at += inputBytes) {
      const piece = bytes.subarray(at, at + inputBytes);
      this.#memory.set(piece);
      continued = this.#update(continued, input, piece.length);
    }
    return continued >>> 0;
  }
}

const MULTIPLIER = 0x08104225;
/** MULTIPLIER · INVERSE = 1 mod 2^32. */
const INVERSE = 0x98f009ad;
const CHARACTER_OFFSET = 31;

function powerOfMultiplier(exponent: number): number {
  let result = 1;
  let base = MULTIPLIER;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

/**
 * The weak hashes of all tails of `bytes`, the longest first: each is the one before without its first byte.
 *
 * @param hash - of all of `bytes`.
 * @returns the offsets of the tails whose hash is `wanted`, none for the empty one.
 */
export function* findTails(
  kind: RdiffWeakHash,
  bytes: Uint8Array,
  hash: number,
  wanted: number,
): Generator<number, void, undefined> {
  let low = hash & 0xffff;
  let high = hash >>> 16;
  let rabinKarp = hash;
  let weight = powerOfMultiplier(bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    const found = kind === "rollsum" ? ((high << 16) | (low & 0xffff)) >>> 0 : rabinKarp >>> 0;
    if (found === wanted) yield at;
    const byte = bytes[at]!;
    if (kind === "rollsum") {
      low -= byte + CHARACTER_OFFSET;
      high = (high - Math.imul(bytes.length - at, byte + CHARACTER_OFFSET)) | 0;
    } else {
      weight = Math.imul(weight, INVERSE);
      rabinKarp = (rabinKarp - Math.imul(weight, byte + MULTIPLIER - 1)) | 0;
    }
  }
}
