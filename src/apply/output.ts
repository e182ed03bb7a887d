import { shortenChecksum } from "../delta/index.ts";
import type { Hash64, Sha256 } from "../hash/index.ts";
import type { Sink } from "../io/index.ts";

/** The buffers of a {@link TargetOutput}, of one size. */
export type OutputBuffers = readonly [Uint8Array, Uint8Array];

/** Where ops put the bytes that they make. */
export interface OpOutput {
  /** Where the next bytes go: from `position` on. */
  readonly buffer: Uint8Array;
  /** The first free byte of `buffer`. */
  readonly position: number;
  /** How many bytes of `buffer` are free. */
  readonly room: number;
  /** Say that so many free bytes are filled. */
  advance(length: number): void;
  /** Make room for at least one byte. */
  makeRoom(): Promise<void>;
  /** Hash what was flushed: a read has been started, and the processor is free meanwhile. */
  hashFlushed(): void;
}

/** Puts what ops make into memory that holds all of it. */
export class MemoryOutput implements OpOutput {
  readonly buffer: Uint8Array;
  position = 0;

  constructor(buffer: Uint8Array) {
    this.buffer = buffer;
  }

  get room(): number {
    return this.buffer.length - this.position;
  }

  advance(length: number): void {
    this.position += length;
  }

  async makeRoom(): Promise<void> {}

  hashFlushed(): void {}
}

/**
 * Gathers the target in large pieces and sees each once: for the window's checksum, for the digest of the whole, and on
 * its way to the sink. One piece is written while the next is filled.
 */
export class TargetOutput implements OpOutput {
  readonly #sink: Sink;
  readonly #digest: Sha256;
  /** Where the next target bytes go: from `position` on. */
  buffer: Uint8Array;
  /** The first free byte of `buffer`. */
  position = 0;
  /** What is written meanwhile, or was. */
  #other: Uint8Array;
  #hashed = 0;
  /** Of the buffer that was flushed last: what is not hashed yet. */
  #unhashed: Uint8Array | undefined;
  #bytesMade = 0;
  #pending: Promise<void> = Promise.resolve();
  #windowHash: Hash64;
  readonly #createHash: () => Hash64;

  constructor(sink: Sink, digest: Sha256, createHash: () => Hash64, [first, second]: OutputBuffers) {
    this.buffer = first;
    this.#other = second;
    this.#sink = sink;
    this.#digest = digest;
    this.#createHash = createHash;
    this.#windowHash = createHash();
  }

  /** Target bytes so far. */
  get bytesMade(): number {
    return this.#bytesMade;
  }

  /** How many bytes of `buffer` are free. */
  get room(): number {
    return this.buffer.length - this.position;
  }

  /** Make room for at least one byte. */
  async makeRoom(): Promise<void> {
    if (this.room === 0) await this.#flush();
  }

  /** Say that so many free bytes are filled. */
  advance(length: number): void {
    this.position += length;
    this.#bytesMade += length;
  }

  #hash(bytes: Uint8Array): void {
    this.#windowHash.update(bytes);
    this.#digest.update(bytes);
  }

  /**
   * Hash what was flushed last. Call it when a read has been started, so that the processor works while the disk does;
   * it happens at the next flush in any case.
   */
  hashFlushed(): void {
    if (this.#unhashed === undefined) return;
    this.#hash(this.#unhashed);
    this.#unhashed = undefined;
  }

  async #flush(): Promise<void> {
    this.hashFlushed();
    await this.#pending;
    const { buffer } = this;
    this.#pending = this.#sink.write(buffer.subarray(0, this.position));
    // The rejection is seen by the next `await`; this keeps it from counting as unhandled until then.
    this.#pending.catch(() => {});
    this.#unhashed = buffer.subarray(this.#hashed, this.position);
    this.buffer = this.#other;
    this.#other = buffer;
    this.position = 0;
    this.#hashed = 0;
  }

  /** Take in bytes that are in the sink already, when nothing is buffered: for the digest of the whole. */
  adopt(bytes: Uint8Array): void {
    this.#digest.update(bytes);
    this.#bytesMade += bytes.length;
  }

  /** Checksum of the bytes since the last call: those of the window that ends here. */
  endWindow(): number {
    this.hashFlushed();
    this.#hash(this.buffer.subarray(this.#hashed, this.position));
    this.#hashed = this.position;
    const checksum = shortenChecksum(this.#windowHash.digest());
    this.#windowHash = this.#createHash();
    return checksum;
  }

  /** Write what is left and wait for the sink. */
  async finish(): Promise<void> {
    await this.#flush();
    this.hashFlushed();
    await this.#pending;
  }
}
