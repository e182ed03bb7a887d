import { PieceScanner, type ScannedPiece } from "../../hash/piece-scanner.ts";
import type { RdiffWeakHash } from "./format.ts";
import type { WeakKernel } from "./kernel/load.ts";
import { EMPTY_WEAK_HASH, WeakHasher } from "./weak-hash.ts";

const MIN_FILTER_BITS = 10;
/** 64 MiB: enough for 2^24 hashes. */
const MAX_FILTER_BITS = 26;
const FILTER_BYTES_PER_HASH = 4;
const WASM_PAGE_BYTES = 65_536;

/**
 * Finds the positions of a byte array whose window may be one of many blocks, as `Scanner` of `flatdelta/hash` does, for either
 * weak hash of librsync and blocks of any size.
 *
 * A window that equals a block is always found; well under 1 % of all others are found by mistake.
 */
export class RdiffScanner extends PieceScanner {
  readonly #kernel: WeakKernel;
  readonly #hasher: WeakHasher;
  readonly #kind: RdiffWeakHash;
  readonly #memory: Uint8Array;
  protected readonly candidates: Uint32Array;
  readonly #nextHash: Uint32Array;

  #bytes: Uint8Array = new Uint8Array(0);

  /** @param weakHashes - of the blocks that are looked for. */
  constructor(kernel: WeakKernel, kind: RdiffWeakHash, blockBytes: number, weakHashes: Uint32Array) {
    const { kernels, map } = kernel;
    super(blockBytes, map.maxPositions);
    this.#kernel = kernel;
    this.#kind = kind;
    const wanted = Math.ceil(Math.log2(FILTER_BYTES_PER_HASH * weakHashes.length + 1));
    const bits = Math.min(MAX_FILTER_BITS, Math.max(MIN_FILTER_BITS, wanted));
    const missing = map.filter + 2 ** bits + 8 - kernels.memory.buffer.byteLength;
    if (missing > 0) kernels.memory.grow(Math.ceil(missing / WASM_PAGE_BYTES));
    const { buffer } = kernels.memory;
    this.#memory = new Uint8Array(buffer);
    this.candidates = new Uint32Array(buffer, map.candidates, 2 * map.maxPositions);
    this.#nextHash = new Uint32Array(buffer, map.nextHash, 1);
    kernels.clearFilter(bits);
    const input = new Uint32Array(buffer, map.input, map.inputBytes / 4);
    for (let at = 0; at < weakHashes.length; at += input.length) {
      const piece = weakHashes.subarray(at, at + input.length);
      input.set(piece);
      kernels.addToFilter(map.input, piece.length);
    }
    this.#hasher = new WeakHasher(kernel, kind);
  }

  /** Begin to scan: all windows that lie inside `bytes` from `from` on, in order. */
  start(bytes: Uint8Array, from: number): void {
    this.#bytes = bytes;
    this.begin(from, bytes.length);
  }

  protected scanPiece(from: number, positions: number, knownHash: number | undefined): ScannedPiece {
    const { kernels, map } = this.#kernel;
    const bytes = this.#bytes;
    const end = from + this.blockBytes;
    const hash = knownHash ?? this.#hasher.update(EMPTY_WEAK_HASH[this.#kind], bytes.subarray(from, end));
    this.#memory.set(bytes.subarray(from, from + positions), map.leaving);
    this.#memory.set(bytes.subarray(end, end + positions), map.entering);
    const scan = this.#kind === "rollsum" ? kernels.scanRollsum : kernels.scanRabinKarp;
    const count = scan(positions, this.blockBytes, hash);
    return { count, positions, nextHash: this.#nextHash[0]! };
  }
}
