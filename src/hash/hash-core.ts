import { checkBlockBytes } from "./block-size.ts";
import { type CoreInstance, instantiateCore } from "./core/load.ts";
import { checkLittleEndian } from "./endian.ts";

/** Bytes that are compared in JavaScript before the WASM is asked: most ranges differ at once. */
const PROBE_BYTES = 32;
/** The first piece that is copied for a comparison, and the largest; each is four times the one before. */
const FIRST_PIECE_BYTES = 256;
const PIECE_BYTES = 65_536;

/**
 * The byte kernels: block hashes, comparison, sums. All are synchronous and take inputs of any length; they copy them
 * piece by piece (64 KiB at about 10 GB/s) into a fixed WASM memory of 512 KiB.
 *
 * One object serves one user at a time; but for {@link HashCore.startWhole} it keeps nothing between calls.
 */
export class HashCore {
  readonly #kernels: CoreInstance["kernels"];
  readonly #memory: Uint8Array;
  readonly #weakHashes: Uint32Array;
  readonly #strongHashes: BigUint64Array;
  readonly #maxBlocks: number;
  /** Two areas of `PIECE_BYTES` for inputs. */
  readonly #first: number;
  readonly #second: number;
  #hashesWhole = false;
  /** The same areas, for who fills them in place and calls {@link subtractInputs}: it spares two copies. Other calls overwrite them. */
  readonly inputs: { readonly left: Uint8Array; readonly right: Uint8Array };

  /** @internal */
  constructor({ kernels, map }: CoreInstance) {
    const { buffer } = kernels.memory;
    this.#kernels = kernels;
    this.#memory = new Uint8Array(buffer);
    this.#weakHashes = new Uint32Array(buffer, map.weakHashes, map.maxBlocks);
    this.#strongHashes = new BigUint64Array(buffer, map.strongHashes, map.maxBlocks);
    this.#maxBlocks = map.maxBlocks;
    this.#first = map.input;
    this.#second = map.input + 2 * PIECE_BYTES;
    const area = (at: number): Uint8Array => this.#memory.subarray(at, at + PIECE_BYTES);
    this.inputs = { left: area(this.#first), right: area(this.#second) };
  }

  /**
   * The weak hash of all bytes of one window: RabinKarp as librsync defines it.
   *
   * @param bytes - at most 65,536 bytes.
   */
  hashWindow(bytes: Uint8Array): number {
    if (bytes.length > PIECE_BYTES) {
      throw new RangeError(`expected a window of at most ${PIECE_BYTES} bytes, got ${bytes.length}`);
    }
    this.#memory.set(bytes, this.#first);
    return this.#kernels.hashWindow(this.#first, bytes.length) >>> 0;
  }

  /**
   * The weak hashes, and the strong ones if asked for, of the blocks that `bytes` consist of: full blocks, then the
   * rest as a short one.
   *
   * The strong hash is XXH64 with seed 0. It is computed here and not by xxhash-wasm because the bytes are in place
   * already: one call for 64 KiB instead of one for each block lets both hashes together run at 4 GB/s instead of 2.5.
   *
   * @param blockBytes - 16 to 65,536.
   * @param weak - receives the weak hashes from index 0 on.
   * @param strong - receives the strong hashes likewise.
   * @returns the number of blocks.
   * @throws RangeError when `blockBytes` is out of range or an array is too short.
   */
  hashBlocks(bytes: Uint8Array, blockBytes: number, weak: Uint32Array, strong?: BigUint64Array): number {
    checkBlockBytes(blockBytes);
    const blocks = Math.ceil(bytes.length / blockBytes);
    if (weak.length < blocks || (strong !== undefined && strong.length < blocks)) {
      throw new RangeError(
        `expected room for ${blocks} hashes, got ${Math.min(weak.length, strong?.length ?? Infinity)}`,
      );
    }
    const fullBlocks = Math.floor(bytes.length / blockBytes);
    const pieceBlocks = Math.min(this.#maxBlocks, Math.floor(PIECE_BYTES / blockBytes));
    for (let done = 0; done < fullBlocks; ) {
      const count = Math.min(pieceBlocks, fullBlocks - done);
      this.#hashPiece(
        bytes.subarray(done * blockBytes, (done + count) * blockBytes),
        blockBytes,
        count,
        done,
        weak,
        strong,
      );
      done += count;
    }
    if (blocks > fullBlocks) {
      const last = bytes.subarray(fullBlocks * blockBytes);
      this.#hashPiece(last, last.length, 1, fullBlocks, weak, strong);
    }
    return blocks;
  }

  /** Begin an XXH64 (seed 0) of all bytes that {@link hashBlocks} is given from now on, where they are in place already. */
  startWhole(): void {
    this.#kernels.startWhole();
    this.#hashesWhole = true;
  }

  /** The XXH64 that was begun, which ends. */
  digestWhole(): bigint {
    this.#hashesWhole = false;
    return BigInt.asUintN(64, this.#kernels.digestWhole());
  }

  #hashPiece(
    bytes: Uint8Array,
    blockBytes: number,
    count: number,
    index: number,
    weak: Uint32Array,
    strong: BigUint64Array | undefined,
  ): void {
    this.#memory.set(bytes, this.#first);
    if (strong === undefined) {
      this.#kernels.hashBlocksWeak(this.#first, blockBytes, count);
    } else {
      this.#kernels.hashBlocks(this.#first, blockBytes, count);
      strong.set(this.#strongHashes.subarray(0, count), index);
    }
    weak.set(this.#weakHashes.subarray(0, count), index);
    if (this.#hashesWhole) this.#kernels.updateWhole(this.#first, bytes.length);
  }

  /**
   * How many bytes from `aOffset` in `a` on equal those from `bOffset` in `b` on.
   *
   * @param limit - count no further; the ends of the arrays limit it too.
   */
  matchForward(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number, limit = Infinity): number {
    const most = Math.min(limit, a.length - aOffset, b.length - bOffset);
    let equal = 0;
    for (const probe = Math.min(most, PROBE_BYTES); equal < probe; equal++) {
      if (a[aOffset + equal] !== b[bOffset + equal]) return equal;
    }
    for (let pieceBytes = FIRST_PIECE_BYTES; equal < most; ) {
      const length = Math.min(pieceBytes, most - equal);
      this.#memory.set(a.subarray(aOffset + equal, aOffset + equal + length), this.#first);
      this.#memory.set(b.subarray(bOffset + equal, bOffset + equal + length), this.#second);
      const found = this.#kernels.countEqualForward(this.#first, this.#second, length);
      equal += found;
      if (found < length) return equal;
      pieceBytes = Math.min(PIECE_BYTES, pieceBytes * 4);
    }
    return equal;
  }

  /**
   * How many bytes before `aEnd` in `a` equal those before `bEnd` in `b`, counted from the ends.
   *
   * @param limit - count no further; the beginnings of the arrays limit it too.
   */
  matchBackward(a: Uint8Array, aEnd: number, b: Uint8Array, bEnd: number, limit = Infinity): number {
    const most = Math.min(limit, aEnd, bEnd);
    let equal = 0;
    for (const probe = Math.min(most, PROBE_BYTES); equal < probe; equal++) {
      if (a[aEnd - 1 - equal] !== b[bEnd - 1 - equal]) return equal;
    }
    for (let pieceBytes = FIRST_PIECE_BYTES; equal < most; ) {
      const length = Math.min(pieceBytes, most - equal);
      this.#memory.set(a.subarray(aEnd - equal - length, aEnd - equal), this.#first);
      this.#memory.set(b.subarray(bEnd - equal - length, bEnd - equal), this.#second);
      const found = this.#kernels.countEqualBackward(this.#first, this.#second, length);
      equal += found;
      if (found < length) return equal;
      pieceBytes = Math.min(PIECE_BYTES, pieceBytes * 4);
    }
    return equal;
  }

  /**
   * `out[i] = basis[i] + residual[i]` mod 256: what a DIFF op means. `out` may be one of the inputs.
   *
   * 4 GB/s with all copies; four bytes at a time in JavaScript reach 2 GB/s and only where the addresses are aligned.
   *
   * @throws RangeError when the lengths differ.
   */
  addInto(basis: Uint8Array, residual: Uint8Array, out: Uint8Array): void {
    this.#combine(basis, residual, out, this.#kernels.addBytes);
  }

  /**
   * `out[i] = target[i] - basis[i]` mod 256: the residual of a DIFF op. `out` may be one of the inputs.
   *
   * @throws RangeError when the lengths differ.
   */
  subtractInto(target: Uint8Array, basis: Uint8Array, out: Uint8Array): void {
    this.#combine(target, basis, out, this.#kernels.subtractBytes);
  }

  /** `left[i] -= right[i]` mod 256, for the first `length` bytes of the {@link inputs}. */
  subtractInputs(length: number): void {
    this.#kernels.subtractBytes(this.#first, this.#second, length);
  }

  #combine(
    left: Uint8Array,
    right: Uint8Array,
    out: Uint8Array,
    kernel: (left: number, right: number, length: number) => void,
  ): void {
    const { length } = left;
    if (right.length !== length || out.length !== length) {
      throw new RangeError(`expected equal lengths, got ${length}, ${right.length} and ${out.length}`);
    }
    for (let at = 0; at < length; at += PIECE_BYTES) {
      const end = Math.min(length, at + PIECE_BYTES);
      this.#memory.set(left.subarray(at, end), this.#first);
      this.#memory.set(right.subarray(at, end), this.#second);
      kernel(this.#first, this.#second, end - at);
      out.set(this.#memory.subarray(this.#first, this.#first + end - at), at);
    }
  }
}

/**
 * Make a {@link HashCore}.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` on a big-endian machine.
 */
export async function createHashCore(): Promise<HashCore> {
  checkLittleEndian();
  return new HashCore(await instantiateCore());
}
