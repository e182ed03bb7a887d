import { EMPTY_BYTES } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import type { ByteStream } from "../../io/index.ts";

/** The most bits that one call of {@link BitReader} gives. */
const MAX_BITS = 24;

/** Bits of a stream, the most significant of each byte first. Bytes are buffered ahead, so that reading bits need not wait. */
export class BitReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #what: string;
  #buffer: Uint8Array = EMPTY_BYTES;
  /** The next byte of the buffer, and where they end. */
  #at = 0;
  #end = 0;
  #isEnded = false;
  /** The next bits, as the lowest of a number. */
  #bits = 0;
  #bitCount = 0;

  /** @param what - names the stream in errors. */
  constructor(stream: ByteStream, what: string) {
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#what = what;
  }

  /** Have so many bytes buffered, or all that are left. */
  async fill(bytes: number): Promise<void> {
    this.#unload();
    while (!this.#isEnded && this.#end - this.#at < bytes) {
      const { done, value } = await this.#iterator.next();
      if (done) this.#isEnded = true;
      else this.#append(value);
    }
  }

  #append(piece: Uint8Array): void {
    const kept = this.#end - this.#at;
    if (this.#end + piece.length > this.#buffer.length) {
      const isTooSmall = kept + piece.length > this.#buffer.length;
      const into = isTooSmall ? new Uint8Array(2 * (kept + piece.length)) : this.#buffer;
      into.set(this.#buffer.subarray(this.#at, this.#end));
      this.#buffer = into;
      this.#at = 0;
      this.#end = kept;
    }
    this.#buffer.set(piece, this.#end);
    this.#end += piece.length;
  }

  #load(): void {
    while (this.#bitCount <= MAX_BITS) {
      // Behind the end are zeros, until they are taken.
      const byte = this.#at < this.#end ? this.#buffer[this.#at]! : 0;
      this.#at++;
      this.#bits = (this.#bits << 8) | byte;
      this.#bitCount += 8;
    }
  }

  /** Give back the bytes of which no bit was taken: some may be zeros from behind the end. */
  #unload(): void {
    const unread = this.#bitCount >>> 3;
    this.#at -= unread;
    this.#bitCount -= 8 * unread;
    this.#bits >>>= 8 * unread;
  }

  /** The next bits, 1 to 24, without taking them. */
  peek(count: number): number {
    if (this.#bitCount < count) this.#load();
    return (this.#bits << (32 - this.#bitCount)) >>> (32 - count);
  }

  /**
   * Take bits that were looked at.
   *
   * @throws {@link FormatError} `TRUNCATED` when they are behind the end of what is buffered.
   */
  skip(count: number): void {
    this.#bitCount -= count;
    if (this.#at - (this.#bitCount >>> 3) <= this.#end) return;
    throw this.#isEnded
      ? new FormatError(ErrorCode.TRUNCATED, `bzip2 ${this.#what} ends early`)
      : this.corrupt("a block is longer than any can be");
  }

  /** The next bits, 1 to 24. */
  read(count: number): number {
    const bits = this.peek(count);
    this.skip(count);
    return bits;
  }

  /** The next 32 bits. */
  readUint32(): number {
    return this.read(16) * 0x10000 + this.read(16);
  }

  /** Skip to the next byte, and tell whether there are none. */
  async endsHere(): Promise<boolean> {
    await this.fill(1);
    this.#bitCount = 0;
    return this.#at === this.#end;
  }

  /** The error for data that cannot be. */
  corrupt(message: string): FormatError {
    return new FormatError(ErrorCode.CORRUPT_BODY, `bzip2 ${this.#what} is corrupt: ${message}`);
  }

  /** The error for bytes behind the end. */
  trailing(): FormatError {
    return new FormatError(
      ErrorCode.TRAILING_DATA,
      `expected the end of bzip2 ${this.#what}, found more bytes`,
    );
  }

  /** Tell the producer that no more is wanted. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
