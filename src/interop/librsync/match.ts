import type { OnProgress, Source } from "../../io/index.ts";
import { MatchList } from "../../match/index.ts";
import { BlockTable } from "../../signature/index.ts";
import { instantiateWeakKernel } from "./kernel/load.ts";
import { RdiffScanner } from "./scanner.ts";
import type { RdiffSignature } from "./signature.ts";
import { createStrongHasher, type StrongHasher } from "./strong-hash.ts";
import { EMPTY_WEAK_HASH, findTails, WeakHasher } from "./weak-hash.ts";

const MIN_BUFFER_BYTES = 1 << 22;
/** What a buffer's end cuts off is read again: at most a quarter of what is read. */
const BLOCKS_IN_BUFFER = 4;
/** What the table of blocks compares at once. */
const TABLE_HASH_BYTES = 8;

/** The first eight bytes of a strong hash as one number, zeros where it is shorter. */
function leadingNumber(view: DataView, offset: number, length: number): bigint {
  if (length >= TABLE_HASH_BYTES) return view.getBigUint64(offset);
  let number = 0n;
  for (let i = 0; i < TABLE_HASH_BYTES; i++)
    number = number * 256n + BigInt(i < length ? view.getUint8(offset + i) : 0);
  return number;
}

function leadingNumbers({ strongHashes, strongBytes, weakHashes }: RdiffSignature): BigUint64Array {
  const view = new DataView(strongHashes.buffer, strongHashes.byteOffset, strongHashes.byteLength);
  return BigUint64Array.from(weakHashes, (_, block) => leadingNumber(view, block * strongBytes, strongBytes));
}

/** Options of {@link matchSignature}. */
export interface MatchSignatureOptions {
  signal: AbortSignal | undefined;
  onProgress: OnProgress | undefined;
}

class SignatureMatcher {
  readonly #signature: RdiffSignature;
  readonly #table: BlockTable;
  readonly #scanner: RdiffScanner;
  readonly #weak: WeakHasher;
  readonly #strong: StrongHasher;
  readonly #matches = new MatchList();
  /** The block that would continue the last match. */
  #preferred = -1;

  constructor(
    signature: RdiffSignature,
    tools: { table: BlockTable; scanner: RdiffScanner; weak: WeakHasher; strong: StrongHasher },
  ) {
    this.#signature = signature;
    this.#table = tools.table;
    this.#scanner = tools.scanner;
    this.#weak = tools.weak;
    this.#strong = tools.strong;
  }

  #strongHash(bytes: Uint8Array): Uint8Array {
    this.#strong.update(bytes);
    return this.#strong.digest();
  }

  /** Whether the strong hash that the signature has of a block is the beginning of this one. */
  #isStrongHashOf(block: number, hash: Uint8Array): boolean {
    const { strongHashes, strongBytes } = this.#signature;
    for (let i = 0; i < strongBytes; i++) if (strongHashes[block * strongBytes + i] !== hash[i]) return false;
    return true;
  }

  /** The block that a window is, or −1. */
  #findBlock(weak: number, window: Uint8Array): number {
    let hash: Uint8Array | undefined;
    const block = this.#table.find(
      weak,
      () => {
        hash = this.#strongHash(window);
        return leadingNumber(new DataView(hash.buffer, hash.byteOffset), 0, this.#signature.strongBytes);
      },
      this.#preferred,
    );
    return block >= 0 && this.#isStrongHashOf(block, hash!) ? block : -1;
  }

  /**
   * Match the bytes of one buffer, which begin at `offset` of the target.
   *
   * @returns how many bytes at the buffer's beginning are dealt with; the rest may begin a block that it cuts off.
   */
  #matchBuffer(bytes: Uint8Array, offset: number): number {
    const { blockBytes } = this.#signature;
    const scanner = this.#scanner;
    let done = 0;
    scanner.start(bytes, 0);
    while (scanner.next()) {
      const at = scanner.position;
      const block = this.#findBlock(scanner.weakHash, bytes.subarray(at, at + blockBytes));
      if (block < 0) continue;
      this.#matches.add(offset + at, block * blockBytes, blockBytes);
      done = at + blockBytes;
      scanner.skipTo(done);
      this.#preferred = block + 1;
    }
    return Math.max(done, bytes.length - blockBytes + 1);
  }

  /** The last block may be short. Nobody knows by how much, so each tail of the target is compared with it. */
  #matchTail(bytes: Uint8Array, offset: number): void {
    const { weakHash, weakHashes, blockBytes } = this.#signature;
    const last = weakHashes.length - 1;
    const hash = this.#weak.update(EMPTY_WEAK_HASH[weakHash], bytes);
    for (const at of findTails(weakHash, bytes, hash, weakHashes[last]!)) {
      const tail = bytes.subarray(at);
      if (!this.#isStrongHashOf(last, this.#strongHash(tail))) continue;
      this.#matches.add(offset + at, last * blockBytes, tail.length);
      return;
    }
  }

  async match(target: Source, { signal, onProgress }: MatchSignatureOptions): Promise<MatchList> {
    const { blockBytes } = this.#signature;
    const room = Math.min(target.size, Math.max(MIN_BUFFER_BYTES, BLOCKS_IN_BUFFER * blockBytes));
    const buffer = new Uint8Array(room);
    let at = 0;
    while (target.size - at >= blockBytes) {
      signal?.throwIfAborted();
      const bytes = buffer.subarray(0, Math.min(buffer.length, target.size - at));
      await target.read(at, bytes);
      at += this.#matchBuffer(bytes, at);
      onProgress?.({ phase: "match", doneBytes: at, totalBytes: target.size });
    }
    const rest = buffer.subarray(0, target.size - at);
    await target.read(at, rest);
    this.#matchTail(rest, at);
    return this.#matches;
  }
}

/**
 * Find the blocks that a signature describes in a target, at any offset.
 *
 * Memory: the larger of 4 MiB and four blocks, and 24 to 36 bytes for each block.
 */
export async function matchSignature(
  signature: RdiffSignature,
  target: Source,
  options: MatchSignatureOptions,
): Promise<MatchList> {
  const { weakHash, strongHash, blockBytes, weakHashes } = signature;
  if (weakHashes.length === 0) return new MatchList();
  const [kernel, strong] = await Promise.all([instantiateWeakKernel(), createStrongHasher(strongHash)]);
  const scanner = new RdiffScanner(kernel, weakHash, blockBytes, weakHashes);
  const tools = {
    table: new BlockTable(weakHashes, leadingNumbers(signature)),
    scanner,
    weak: new WeakHasher(kernel, weakHash),
    strong,
  };
  return new SignatureMatcher(signature, tools).match(target, options);
}
