import type { Hash64, Sha256 } from "../hash/index.ts";
import { CHUNK_BYTES, type Sink } from "../io/index.ts";

/**
 * Gathers the target in large pieces and sees each once: for the window's checksum, for the digest of the whole, and on
 * its way to the sink. One piece is written while the next is filled.
 */
export class TargetOutput {
  readonly #sink: Sink;
  readonly #digest: Sha256;
  #buffers = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)] as const;
  #turn: 0 | 1 = 0;
  #filled = 0;
  #hashed = 0;
  #bytesMade = 0;
  #pending: Promise<void> = Promise.resolve();
  #windowHash: Hash64;
  readonly #createHash: () => Hash64;

  constructor(sink: Sink, digest: Sha256, createHash: () => Hash64) {
    this.#sink = sink;
    this.#digest = digest;
    this.#createHash = createHash;
    this.#windowHash = createHash();
  }

  /** Target bytes so far. */
  get bytesMade(): number {
    return this.#bytesMade;
  }

  /** Where the next target bytes go: from `position` on. */
  get buffer(): Uint8Array {
    return this.#buffers[this.#turn];
  }

  /** The first free byte of `buffer`. */
  get position(): number {
    return this.#filled;
  }

  /** How many bytes of `buffer` are free. */
  get room(): number {
    return CHUNK_BYTES - this.#filled;
  }

  /** Make room for at least one byte. */
  async makeRoom(): Promise<void> {
    if (this.#filled === CHUNK_BYTES) await this.#flush();
  }

  /** Say that so many free bytes are filled. */
  advance(length: number): void {
    this.#filled += length;
    this.#bytesMade += length;
  }

  #hash(): void {
    const fresh = this.#buffers[this.#turn].subarray(this.#hashed, this.#filled);
    this.#windowHash.update(fresh);
    this.#digest.update(fresh);
    this.#hashed = this.#filled;
  }

  async #flush(): Promise<void> {
    await this.#pending;
    const piece = this.#buffers[this.#turn].subarray(0, this.#filled);
    this.#pending = this.#sink.write(piece);
    // The rejection is seen by the next `await`; this keeps it from counting as unhandled until then.
    this.#pending.catch(() => {});
    this.#hash(); // while the sink writes
    this.#turn = this.#turn === 0 ? 1 : 0;
    this.#filled = 0;
    this.#hashed = 0;
  }

  /** Checksum of the bytes since the last call: those of the window that ends here. */
  endWindow(): bigint {
    this.#hash();
    const checksum = this.#windowHash.digest();
    this.#windowHash = this.#createHash();
    return checksum;
  }

  /** Write what is left and wait for the sink. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#pending;
  }
}
