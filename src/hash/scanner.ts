import { checkBlockBytes } from "./block-size.ts";
import { type CoreInstance, instantiateCore } from "./core/load.ts";
import { checkLittleEndian } from "./endian.ts";
import { PieceScanner, type ScannedPiece } from "./piece-scanner.ts";

const MAX_PIECE_POSITIONS = 65_536;

/** Bytes that are copied at least, so that short jumps find their window in place. */
const LOAD_BYTES = 1024;

/** The first filter stays in the second-level cache: 512 KiB at most. */
const MAX_COARSE_BITS = 19;
/** The second filter is 32 MiB at most, enough for 2^23 hashes at a false rate under 1 %. */
const MAX_FINE_BITS = 25;
const MIN_FILTER_BITS = 10;

const WASM_PAGE_BYTES = 65_536;

/** log2 of the bytes of a filter with at least `bitsPerHash` bits for each hash. */
function filterBits(count: number, bitsPerHash: number, most: number): number {
  const needed = Math.ceil(Math.log2((count * bitsPerHash) / 8 + 1));
  return Math.min(most, Math.max(MIN_FILTER_BITS, needed));
}

/**
 * Finds the positions of a byte array whose window may be one of many blocks.
 *
 * ```ts
 * scanner.setFilter(signature.weakHashes);
 * scanner.start(target, 0, target.length);
 * while (scanner.next()) {
 *   const matched = verify(scanner.position, scanner.weakHash);
 *   if (matched > 0) scanner.skipTo(scanner.position + matched);
 * }
 * ```
 *
 * A window that equals a block is always found; of all others well under 1 % are found by mistake, so each candidate must
 * be checked.
 *
 * Costs 1.5 to 2.5 ns a byte, by the number of hashes, and 0.5 MiB of memory plus 4 to 10 bytes for each hash.
 */
export class Scanner extends PieceScanner {
  readonly #core: CoreInstance;
  readonly #outWeight: number;
  #memory: Uint8Array;
  /** @internal */
  protected candidates: Uint32Array;
  #state: Uint32Array;

  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  /** The WASM's input area holds the bytes from `#loadedFrom` to `#loadedTo`. */
  #loadedFrom = 0;
  #loadedTo = 0;

  /** @internal */
  constructor(core: CoreInstance, blockBytes: number) {
    super(blockBytes, MAX_PIECE_POSITIONS);
    this.#core = core;
    this.#outWeight = core.kernels.powerOfMultiplier(blockBytes);
    this.#memory = new Uint8Array(0);
    this.candidates = new Uint32Array(0);
    this.#state = new Uint32Array(0);
    this.setFilter(new Uint32Array(0));
  }

  /**
   * Say which weak hashes to look for, instead of those before. A scan under way ends.
   *
   * @param weakHashes - of blocks of `blockBytes`; beyond 2^23 of them, false candidates become more frequent.
   */
  setFilter(weakHashes: Uint32Array): void {
    const { kernels, map } = this.#core;
    const coarseBits = filterBits(weakHashes.length, 16, MAX_COARSE_BITS);
    const fineBits = filterBits(weakHashes.length, 24, MAX_FINE_BITS);
    const needed = map.filters + 2 ** coarseBits + 2 ** fineBits + 128;
    const missing = needed - kernels.memory.buffer.byteLength;
    if (missing > 0) kernels.memory.grow(Math.ceil(missing / WASM_PAGE_BYTES));
    this.#memory = new Uint8Array(kernels.memory.buffer);
    this.candidates = new Uint32Array(kernels.memory.buffer, map.candidates, 2 * map.maxCandidates);
    this.#state = new Uint32Array(kernels.memory.buffer, map.scanState, 2);
    kernels.clearFilters(coarseBits, fineBits);
    const input = new Uint32Array(kernels.memory.buffer, map.input, Math.floor(map.inputBytes / 4));
    for (let at = 0; at < weakHashes.length; at += input.length) {
      const piece = weakHashes.subarray(at, at + input.length);
      input.set(piece);
      kernels.addToFilters(map.input, piece.length);
    }
    this.start(new Uint8Array(0), 0, 0);
  }

  /**
   * Begin to scan: all windows that lie inside `from` … `end` of `bytes`, in order.
   *
   * @throws RangeError when that is no range of `bytes`.
   */
  start(bytes: Uint8Array, from: number, end: number): void {
    if (!(from >= 0 && from <= end && end <= bytes.length)) {
      throw new RangeError(`expected a range inside 0 … ${bytes.length}, got ${from} … ${end}`);
    }
    this.#bytes = bytes;
    this.#end = end;
    this.#loadedFrom = from;
    this.#loadedTo = from;
    this.begin(from, end);
  }

  /** @internal */
  protected scanPiece(from: number, positions: number, knownHash: number | undefined): ScannedPiece {
    const { kernels, map } = this.#core;
    const { blockBytes } = this;
    // One byte more than the windows have, so that the hash rolls on to the position behind them.
    this.#load(from, Math.min(from + positions + blockBytes, this.#end));
    const window = map.input + (from - this.#loadedFrom);
    const hash = knownHash ?? kernels.hashWindow(window, blockBytes);
    const count = kernels.scan(window, positions, blockBytes, this.#outWeight, hash);
    return { count, positions: this.#state[0]!, nextHash: this.#state[1]! };
  }

  /** See to it that the input area holds the bytes `from` … `needed`, copying only what is new. */
  #load(from: number, needed: number): void {
    if (needed <= this.#loadedTo) return;
    const { input, inputBytes } = this.#core.map;
    const to = Math.max(needed, Math.min(from + LOAD_BYTES, this.#end));
    if (from > this.#loadedTo) {
      this.#loadedFrom = from;
      this.#loadedTo = from;
    } else if (to - this.#loadedFrom > inputBytes) {
      this.#memory.copyWithin(
        input,
        input + from - this.#loadedFrom,
        input + this.#loadedTo - this.#loadedFrom,
      );
      this.#loadedFrom = from;
    }
    this.#memory.set(this.#bytes.subarray(this.#loadedTo, to), input + this.#loadedTo - this.#loadedFrom);
    this.#loadedTo = to;
  }
}

/**
 * Make a {@link Scanner} with an instance and a memory of its own. It finds nothing until `setFilter`.
 *
 * @param blockBytes - bytes of a window, 16 to 65,536.
 * @throws RangeError when `blockBytes` is out of range.
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` on a big-endian machine.
 */
export async function createScanner(blockBytes: number): Promise<Scanner> {
  checkBlockBytes(blockBytes);
  checkLittleEndian();
  return new Scanner(await instantiateCore(), blockBytes);
}
