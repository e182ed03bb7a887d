import type { ByteWriter } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";

/** Integers of RFC 3284, section 2: seven bits a byte, the most significant first. Arithmetic is safe to 2^53 − 1. */

// Eight hold 2^53 − 1; xdelta3 reads zeros before it, too.
const MAX_INTEGER_BYTES = 10;

/** How many bytes {@link putInteger} takes for `value`. */
export function integerBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** Append `value`, from 0 to 2^53 − 1. */
export function putInteger(out: ByteWriter, value: number): void {
  for (let scale = 0x80 ** (integerBytes(value) - 1); scale > 1; scale /= 0x80) {
    out.u8(0x80 | (Math.floor(value / scale) % 0x80));
  }
  out.u8(value % 0x80);
}

/** Puts an integer together from its bytes. */
export class IntegerParser {
  #value = 0;
  #bytes = 0;

  /**
   * Take the next byte.
   *
   * @returns the integer when the byte was its last.
   * @throws {@link FormatError} `CORRUPT_BODY` when it is over 2^53 − 1 or has too many bytes.
   */
  take(byte: number): number | undefined {
    const value = this.#value * 0x80 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER || ++this.#bytes > MAX_INTEGER_BYTES)
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        "VCDIFF: expected an integer below 2^53, found a larger one",
      );
    if (byte >= 0x80) {
      this.#value = value;
      return undefined;
    }
    this.#value = 0;
    this.#bytes = 0;
    return value;
  }
}

/** A cursor over one section of a window. */
export class SectionReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #integer = new IntegerParser();
  #at = 0;

  /** @param what - names the section in errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #endsEarly(): FormatError {
    return new FormatError(
      ErrorCode.CORRUPT_BODY,
      `VCDIFF: a window's ${this.#what} end before its instructions do`,
    );
  }

  /** The next byte. */
  u8(): number {
    if (this.#at === this.#bytes.length) throw this.#endsEarly();
    return this.#bytes[this.#at++]!;
  }

  /** The next integer. */
  integer(): number {
    for (;;) {
      const value = this.#integer.take(this.u8());
      if (value !== undefined) return value;
    }
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    if (length > this.remaining) throw this.#endsEarly();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
