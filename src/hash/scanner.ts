import { checkBlockBytes } from "./block-size.ts";
import { type CoreInstance, instantiateCore } from "./core/load.ts";

/** Positions of the first piece after a jump, and of the largest; each is four times the one before. */
const FIRST_PIECE = 64;
const PIECE = 65_536;

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
 * be checked. Scanning runs in pieces, small after a jump and then larger, each position once: whoever skips much does
 * not pay for what was skipped, and a false candidate costs no second scan.
 *
 * Costs 1.5 to 2.5 ns a byte, by the number of hashes, and 0.5 MiB of memory plus 4 to 10 bytes for each hash.
 */
export class Scanner {
  /** Bytes of a window. */
  readonly blockBytes: number;
  /** Where the present candidate's window begins. */
  position = 0;
  /** The weak hash of the present candidate's window. */
  weakHash = 0;

  readonly #core: CoreInstance;
  readonly #outWeight: number;
  #memory: Uint8Array;
  #candidates: Uint32Array;
  #state: Uint32Array;

  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  /** The WASM's input area holds the bytes from `#loadedFrom` to `#loadedTo`. */
  #loadedFrom = 0;
  #loadedTo = 0;
  /** The next position to scan, and the weak hash of its window when that is known. */
  #scanAt = 0;
  #scanHash = 0;
  #hashKnown = false;
  #piece = FIRST_PIECE;
  /** Candidates of the last piece: their number, how many are given out, and what their positions count from. */
  #count = 0;
  #given = 0;
  #candidatesFrom = 0;

  /** @internal */
  constructor(core: CoreInstance, blockBytes: number) {
    this.blockBytes = blockBytes;
    this.#core = core;
    this.#outWeight = core.kernels.powerOfMultiplier(blockBytes);
    this.#memory = new Uint8Array(0);
    this.#candidates = new Uint32Array(0);
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
    this.#candidates = new Uint32Array(kernels.memory.buffer, map.candidates, 2 * map.maxCandidates);
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
    this.#jump(from);
  }

  #jump(position: number): void {
    this.#scanAt = position;
    this.#hashKnown = false;
    this.#piece = FIRST_PIECE;
    this.#count = 0;
    this.#given = 0;
  }

  /**
   * Go to the next candidate.
   *
   * @returns whether there is one; then `position` and `weakHash` tell it.
   */
  next(): boolean {
    while (this.#given === this.#count) {
      if (this.#scanAt > this.#end - this.blockBytes) return false;
      this.#scanPiece();
    }
    const at = 2 * this.#given++;
    this.position = this.#candidatesFrom + this.#candidates[at]!;
    this.weakHash = this.#candidates[at + 1]!;
    return true;
  }

  /** Leave out all candidates before `position`. Going back is not possible: positions passed stay passed. */
  skipTo(position: number): void {
    if (position > this.#scanAt) {
      this.#jump(position);
      return;
    }
    while (
      this.#given < this.#count &&
      this.#candidatesFrom + this.#candidates[2 * this.#given]! < position
    ) {
      this.#given++;
    }
    this.#piece = FIRST_PIECE;
  }

  #scanPiece(): void {
    const { kernels } = this.#core;
    const { blockBytes } = this;
    const from = this.#scanAt;
    const positions = Math.min(this.#piece, this.#end - blockBytes - from + 1);
    // One byte more than the windows have, so that the hash rolls on to the position behind them.
    this.#load(from, Math.min(from + positions + blockBytes, this.#end));
    const window = this.#core.map.input + (from - this.#loadedFrom);
    const hash = this.#hashKnown ? this.#scanHash : kernels.hashWindow(window, blockBytes);
    this.#count = kernels.scan(window, positions, blockBytes, this.#outWeight, hash);
    this.#given = 0;
    this.#candidatesFrom = from;
    this.#scanAt = from + this.#state[0]!;
    this.#scanHash = this.#state[1]!;
    this.#hashKnown = true;
    this.#piece = Math.min(PIECE, this.#piece * 4);
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
  return new Scanner(await instantiateCore(), blockBytes);
}
