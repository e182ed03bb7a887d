import { ErrorCode, FormatError } from "../errors.ts";

/** Names the structure that a {@link ByteReader} walks through, for its errors. */
export interface ByteReaderContext {
  /** What is being read, as the message shall say ("delta header"). */
  what: string;
  /** Code for values that cannot be; `CORRUPT_BODY` by default. */
  code?: ErrorCode;
  /** Where in the file the bytes begin, so that errors give file offsets. */
  baseOffset?: number;
}

/**
 * A cursor over bytes in memory that checks every step. Integers are little-endian.
 *
 * All methods throw {@link FormatError}: the context's code when the bytes end early or a varint is malformed.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #context: ByteReaderContext;
  #at = 0;

  constructor(bytes: Uint8Array, context: ByteReaderContext) {
    this.#bytes = bytes;
    this.#context = context;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** The error for a value that cannot be, at the current place. */
  corrupt(message: string): FormatError {
    return new FormatError(
      this.#context.code ?? ErrorCode.CORRUPT_BODY,
      `${this.#context.what}: ${message}`,
      this.#context.baseOffset === undefined ? {} : { offset: this.#context.baseOffset + this.#at },
    );
  }

  #need(bytes: number): void {
    if (bytes > this.remaining) throw this.corrupt(`expected ${bytes} more bytes, found ${this.remaining}`);
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  u32(): number {
    this.#need(4);
    let value = 0;
    for (let shift = 0; shift < 32; shift += 8) value |= this.#bytes[this.#at++]! << shift;
    return value >>> 0;
  }

  u64(): bigint {
    const low = this.u32();
    return BigInt(low) | (BigInt(this.u32()) << 32n);
  }

  varint(): number {
    // Most take one byte, which the other way takes four times as long to read. Behind the end there is none, which is not less.
    const byte = this.#bytes[this.#at]!;
    if (byte < 0x80) {
      this.#at++;
      return byte;
    }
    return this.#varintFrom(0, 1);
  }

  // `value` and `scale` carry the bits that a signed varint took from its first byte.
  #varintFrom(value: number, scale: number): number {
    for (;;) {
      const byte = this.u8();
      const bits = byte & 0x7f;
      value += bits * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw this.corrupt("an integer is over 2^53 − 1");
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw this.corrupt("an integer is not in its shortest form");
        return value;
      }
      scale *= 0x80;
      if (scale > Number.MAX_SAFE_INTEGER) throw this.corrupt("an integer has more than 8 bytes");
    }
  }

  signedVarint(): number {
    const first = this.u8();
    const magnitude = first < 0x80 ? first & 0x3f : this.#varintFrom(first & 0x3f, 0x40);
    if ((first & 0x40) === 0) return magnitude;
    if (magnitude === 0) throw this.corrupt("an integer is minus zero");
    return -magnitude;
  }

  /** Go on at a later position, which another reader of the same bytes came to. */
  moveTo(position: number): void {
    this.#need(position - this.#at);
    this.#at = position;
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    this.#need(length);
    const view = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return view;
  }

  /** Check that nothing is left. */
  end(): void {
    if (this.remaining > 0) throw this.corrupt(`expected the end, found ${this.remaining} more bytes`);
  }
}
