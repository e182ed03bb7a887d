import { createSha256 } from "../../hash/index.ts";
import {
  type ByteInput,
  countingSink,
  knownSize,
  type OnProgress,
  type Sink,
  toByteStream,
} from "../../io/index.ts";
import { chooseRdiffBlockBytes, chooseRdiffStrongBytes, type RdiffStrongBytes } from "./defaults.ts";
import {
  type RdiffHashes,
  type RdiffStrongHash,
  type RdiffWeakHash,
  SIGNATURE_HEADER_BYTES,
  STRONG_HASH_BYTES,
  signatureMagic,
  WEAK_HASH_BYTES,
} from "./format.ts";
import { instantiateWeakKernel } from "./kernel/load.ts";
import { createStrongHasher, type StrongHasher } from "./strong-hash.ts";
import { EMPTY_WEAK_HASH, WeakHasher } from "./weak-hash.ts";

const BUFFER_BYTES = 1 << 16;
const MAX_BLOCK_BYTES = 2 ** 32 - 1;

/** Options of {@link writeRdiffSignature}. What is not given is chosen as librsync does. */
export interface WriteRdiffSignatureOptions {
  weakHash?: RdiffWeakHash | undefined;
  strongHash?: RdiffStrongHash | undefined;
  /** Bytes in a block, 1 to 2^32 − 1. */
  blockBytes?: number | undefined;
  /** Bytes to keep of each strong hash; `"min"` for the fewest that librsync takes for safe. All by default. */
  strongBytes?: RdiffStrongBytes;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
}

/** What a signature describes, and how. */
export interface RdiffSignatureStats extends RdiffHashes {
  blockBytes: number;
  strongBytes: number;
  blockCount: number;
  basisBytes: number;
  /** SHA-256 of the basis, which the format has no place for. */
  basisSha256: Uint8Array;
  signatureBytes: number;
}

/** Cuts what comes into blocks and writes their hashes. */
class BlockSigner {
  blockCount = 0;
  readonly #sink: Sink;
  readonly #weak: WeakHasher;
  readonly #strong: StrongHasher;
  readonly #blockBytes: number;
  readonly #strongBytes: number;
  readonly #empty: number;
  #hash: number;
  #filled = 0;
  readonly #out = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#out.buffer);
  #outBytes = 0;

  constructor(
    sink: Sink,
    hashers: { weak: WeakHasher; strong: StrongHasher; empty: number },
    lengths: { blockBytes: number; strongBytes: number },
  ) {
    this.#sink = sink;
    this.#weak = hashers.weak;
    this.#strong = hashers.strong;
    this.#empty = hashers.empty;
    this.#hash = hashers.empty;
    this.#blockBytes = lengths.blockBytes;
    this.#strongBytes = lengths.strongBytes;
  }

  async update(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + this.#blockBytes - this.#filled);
      this.#hash = this.#weak.update(this.#hash, part);
      this.#strong.update(part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#blockBytes) await this.#endBlock();
    }
  }

  async #endBlock(): Promise<void> {
    if (this.#outBytes + WEAK_HASH_BYTES + this.#strongBytes > BUFFER_BYTES) await this.#flush();
    this.#view.setUint32(this.#outBytes, this.#hash);
    this.#out.set(this.#strong.digest().subarray(0, this.#strongBytes), this.#outBytes + WEAK_HASH_BYTES);
    this.#outBytes += WEAK_HASH_BYTES + this.#strongBytes;
    this.#hash = this.#empty;
    this.#filled = 0;
    this.blockCount++;
  }

  async #flush(): Promise<void> {
    await this.#sink.write(this.#out.subarray(0, this.#outBytes));
    this.#outBytes = 0;
  }

  async finish(): Promise<void> {
    if (this.#filled > 0) await this.#endBlock();
    if (this.#outBytes > 0) await this.#flush();
  }
}

function checkInteger(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new RangeError(`${name}: expected 1 … ${most}, got ${value}`);
}

/**
 * Write the signature of a basis, byte for byte as `rdiff signature` of librsync 2.3 does.
 *
 * Reads the basis once, in order, and keeps nothing of it. A stream, whose size is not known before its end, gets the block length that
 * rdiff takes for a pipe.
 *
 * ```ts
 * const basis = await openFileSource("old.bin");
 * const file = await createAtomicFile("old.sig");
 * await writeRdiffSignature(basis, file, { weakHash: "rollsum", strongHash: "md4" });
 * await file.commit();
 * ```
 *
 * @throws RangeError when a length is out of range.
 */
export async function writeRdiffSignature(
  basis: ByteInput,
  sink: Sink,
  options: WriteRdiffSignatureOptions = {},
): Promise<RdiffSignatureStats> {
  const { weakHash = "rabinkarp", strongHash = "blake2b", signal, onProgress } = options;
  const size = knownSize(basis);
  const blockBytes = options.blockBytes ?? chooseRdiffBlockBytes(size);
  checkInteger("blockBytes", blockBytes, MAX_BLOCK_BYTES);
  const strongBytes = chooseRdiffStrongBytes(options.strongBytes, { strongHash }, size, blockBytes);
  checkInteger("strongBytes", strongBytes, STRONG_HASH_BYTES[strongHash]);
  const [kernel, strong] = await Promise.all([instantiateWeakKernel(), createStrongHasher(strongHash)]);
  const out = countingSink(sink);
  const header = new DataView(new ArrayBuffer(SIGNATURE_HEADER_BYTES));
  header.setUint32(0, signatureMagic({ weakHash, strongHash }));
  header.setUint32(4, blockBytes);
  header.setUint32(8, strongBytes);
  await out.write(new Uint8Array(header.buffer));
  const weak = new WeakHasher(kernel, weakHash);
  const hashers = { weak, strong, empty: EMPTY_WEAK_HASH[weakHash] };
  const signer = new BlockSigner(out, hashers, { blockBytes, strongBytes });
  const digest = createSha256();
  let basisBytes = 0;
  for await (const piece of toByteStream(basis, signal)) {
    digest.update(piece);
    await signer.update(piece);
    basisBytes += piece.length;
    onProgress?.({ phase: "sign", doneBytes: basisBytes, totalBytes: Math.max(size ?? 0, basisBytes) });
  }
  await signer.finish();
  const basisSha256 = digest.digest();
  const { blockCount } = signer;
  const lengths = { blockBytes, strongBytes, blockCount, basisBytes };
  return { weakHash, strongHash, ...lengths, basisSha256, signatureBytes: out.bytesWritten };
}
