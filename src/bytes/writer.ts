import { copyBytes } from "./bytes.ts";
import { MAX_VARINT_BYTES, putSignedVarint, putVarint } from "./varint.ts";

/** A growing byte array with a cursor: the writing side of {@link ByteReader}. Integers are little-endian. */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#buffer = new Uint8Array(initialBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  #reserve(bytes: number): Uint8Array {
    const needed = this.#length + bytes;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    return this.#buffer;
  }

  u8(value: number): void {
    this.#reserve(1)[this.#length++] = value;
  }

  u32(value: number): void {
    const out = this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) out[this.#length++] = (value >>> shift) & 0xff;
  }

  u64(value: bigint): void {
    this.u32(Number(value & 0xffffffffn));
    this.u32(Number(value >> 32n));
  }

  varint(value: number): void {
    this.#length = putVarint(this.#reserve(MAX_VARINT_BYTES), this.#length, value);
  }

  signedVarint(value: number): void {
    this.#length = putSignedVarint(this.#reserve(MAX_VARINT_BYTES + 1), this.#length, value);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length).set(value, this.#length);
    this.#length += value.length;
  }

  /** Write `length` of the bytes of `from`, those from `at` on: without a view of them, which takes longer than copying a few. */
  copy(from: Uint8Array, at: number, length: number): void {
    copyBytes(from, at, this.#reserve(length), this.#length, length);
    this.#length += length;
  }

  /** Write `length` bytes that the caller fills in, before the next write. */
  extend(length: number): Uint8Array {
    const out = this.#reserve(length).subarray(this.#length, this.#length + length);
    this.#length += length;
    return out;
  }

  /** The bytes written so far; a view that the next write may move away from. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forget what was written and keep the memory. */
  clear(): void {
    this.#length = 0;
  }
}
