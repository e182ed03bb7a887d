import { createHashCore, createScanner, type HashCore, loadHash64, type Scanner } from "../hash/index.ts";
import { PagedSource, type Source } from "../io/index.ts";
import { BlockIndex, type Signature } from "../signature/index.ts";
import type { MatchList } from "./match-list.ts";

/** How much of the target is held at once. */
const BUFFER_BYTES = 1 << 22;

/** Pieces in which a match is extended: small first, since most extensions end soon. */
const FIRST_EXTENSION_BYTES = 1 << 10;
const EXTENSION_BYTES = 1 << 16;

/** A range of the target. */
export interface TargetRange {
  offset: number;
  length: number;
}

/** What {@link matchBlocks} works on. */
export interface BlockMatchInput {
  /** Signature of the basis. */
  signature: Signature;
  /** The basis itself, if it is at hand: then matches are extended past the edges of their blocks. */
  basis?: Source | undefined;
  target: Source;
}

class BlockMatcher {
  readonly #index: BlockIndex;
  readonly #scanner: Scanner;
  readonly #core: HashCore;
  readonly #hash: (bytes: Uint8Array) => bigint;
  readonly #signature: Signature;
  readonly #basis: PagedSource | undefined;
  readonly #target: Source;
  readonly #matches: MatchList;
  /** The block that would continue the last match. */
  #preferred = -1;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #basisPiece = new Uint8Array(EXTENSION_BYTES);

  constructor(
    input: BlockMatchInput,
    tools: { scanner: Scanner; core: HashCore; hash: (bytes: Uint8Array) => bigint },
    matches: MatchList,
  ) {
    this.#signature = input.signature;
    this.#index = new BlockIndex(input.signature);
    this.#scanner = tools.scanner;
    this.#scanner.setFilter(this.#index.weakHashes);
    this.#core = tools.core;
    this.#hash = tools.hash;
    this.#basis = input.basis === undefined ? undefined : new PagedSource(input.basis);
    this.#target = input.target;
    this.#matches = matches;
  }

  async #readBasis(offset: number, length: number): Promise<Uint8Array> {
    const piece = this.#basisPiece.subarray(0, length);
    if (!this.#basis!.tryRead(offset, piece)) await this.#basis!.read(offset, piece);
    return piece;
  }

  /** How many bytes from `at` in `bytes` equal those of the basis from `basisAt`. */
  async #extendForward(bytes: Uint8Array, at: number, basisAt: number): Promise<number> {
    if (this.#basis === undefined) return 0;
    const limit = Math.min(bytes.length - at, this.#basis.size - basisAt);
    let done = 0;
    for (let step = FIRST_EXTENSION_BYTES; done < limit; step = Math.min(EXTENSION_BYTES, step * 4)) {
      const piece = await this.#readBasis(basisAt + done, Math.min(step, limit - done));
      const equal = this.#core.matchForward(bytes, at + done, piece, 0, piece.length);
      done += equal;
      if (equal < piece.length) break;
    }
    return done;
  }

  /** How many bytes before `at` in `bytes`, at most `limit`, equal those of the basis before `basisAt`. */
  async #extendBackward(bytes: Uint8Array, at: number, basisAt: number, limit: number): Promise<number> {
    if (this.#basis === undefined) return 0;
    const most = Math.min(limit, basisAt);
    let done = 0;
    for (let step = FIRST_EXTENSION_BYTES; done < most; step = Math.min(EXTENSION_BYTES, step * 4)) {
      const length = Math.min(step, most - done);
      const piece = await this.#readBasis(basisAt - done - length, length);
      const equal = this.#core.matchBackward(bytes, at - done, piece, length, length);
      done += equal;
      if (equal < length) break;
    }
    return done;
  }

  /**
   * Match the bytes of one buffer, which begin at `offset` of the target.
   *
   * @returns how many bytes at the buffer's beginning are dealt with; the rest may begin a block that it cuts off.
   */
  async #matchBuffer(bytes: Uint8Array, offset: number): Promise<number> {
    const { blockBytes } = this.#signature;
    const matches = this.#matches;
    let done = 0;
    if (matches.size > 0 && matches.targetEnd === offset) {
      done = await this.#extendForward(bytes, 0, matches.basisEnd);
      matches.add(offset, matches.basisEnd, done);
    }
    const scanner = this.#scanner;
    scanner.start(bytes, done, bytes.length);
    while (scanner.next()) {
      const at = scanner.position;
      const block = this.#index.find(
        scanner.weakHash,
        () => this.#hash(bytes.subarray(at, at + blockBytes)),
        this.#preferred,
      );
      if (block < 0) continue;
      const basisAt = block * blockBytes;
      const back = await this.#extendBackward(bytes, at, basisAt, at - done);
      const end = at + blockBytes;
      const forward = await this.#extendForward(bytes, end, basisAt + blockBytes);
      matches.add(offset + at - back, basisAt - back, back + blockBytes + forward);
      done = end + forward;
      scanner.skipTo(done);
      this.#preferred = block + 1 + Math.floor(forward / blockBytes);
    }
    return bytes.length < blockBytes ? bytes.length : Math.max(done, bytes.length - blockBytes + 1);
  }

  /** The basis' short last block can only be matched at a range's end, where a window as short as it is looked at. */
  async #matchShortBlock(end: number, range: TargetRange): Promise<void> {
    const length = this.#index.shortBlockBytes;
    const start = end - length;
    if (length === 0 || start < Math.max(range.offset, this.#matches.targetEnd)) return;
    const bytes = this.#buffer.subarray(0, length);
    await this.#target.read(start, bytes);
    const block = this.#index.findShort(this.#core.hashWindow(bytes), () => this.#hash(bytes));
    if (block >= 0) this.#matches.add(start, block * this.#signature.blockBytes, length);
  }

  async matchRange(range: TargetRange, signal: AbortSignal | undefined): Promise<void> {
    const end = range.offset + range.length;
    for (let at = range.offset; at < end; ) {
      signal?.throwIfAborted();
      const bytes = this.#buffer.subarray(0, Math.min(BUFFER_BYTES, end - at));
      await this.#target.read(at, bytes);
      at += await this.#matchBuffer(bytes, at);
    }
    if (this.#basis === undefined) await this.#matchShortBlock(end, range);
  }
}

/**
 * Find blocks of the basis in ranges of the target, at any offset (rsync's algorithm: Tridgell and Mackerras 1996), and
 * extend each match past its edges where the basis can be read.
 *
 * Memory: 4 MiB, the scanner's filter and the index of the blocks; never basis or target.
 *
 * @param ranges - in rising order; the matches are appended to `matches`.
 */
export async function matchBlocks(
  input: BlockMatchInput,
  ranges: Iterable<TargetRange>,
  matches: MatchList,
  options: { signal?: AbortSignal | undefined; onRange?: (range: TargetRange) => void } = {},
): Promise<void> {
  const [scanner, core, { hash }] = await Promise.all([
    createScanner(input.signature.blockBytes),
    createHashCore(),
    loadHash64(),
  ]);
  const matcher = new BlockMatcher(input, { scanner, core, hash }, matches);
  for (const range of ranges) {
    await matcher.matchRange(range, options.signal);
    options.onRange?.(range);
  }
}
