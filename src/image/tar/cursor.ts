import { ErrorCode, ImageError } from "../../errors.ts";
import type { Source } from "../../io/index.ts";

/** A place in an archive that only moves forward. Two kinds: one that seeks, one that sees every byte. */
export interface TarCursor {
  /** Offset in the archive. */
  readonly position: number;
  /** Bytes from here to the end of the archive. */
  readonly remaining: number;
  /** The next `length` bytes; the view is valid until the cursor moves again. For headers: `length` is small. */
  take(length: number): Promise<Uint8Array>;
  /** Move on by `length` bytes, showing them to `visit` where the cursor sees them. */
  skip(length: number): Promise<void>;
  /**
   * The next `length` bytes without waiting and without moving on, or nothing where they are not at hand: a promise for each of
   * some ten thousand headers takes longer than reading them. Absent where nothing ever is at hand.
   */
  peek?(length: number): Uint8Array | undefined;
  /** Move on behind what {@link peek} gave. */
  accept?(peeked: Uint8Array): void;
  /** Move on by `length` bytes that are at hand; returns whether they are. */
  trySkip?(length: number): boolean;
}

/** The error for an archive that ends before its headers say. */
export function truncatedTar(missing: number, offset: number): ImageError {
  return new ImageError(
    ErrorCode.TRUNCATED,
    `the tar archive ends early: expected ${missing} more bytes; copy or download it again`,
    { offset },
  );
}

// Small, so that hopping over the contents of an outer archive reads little; a header with its PAX block fits.
const WINDOW_BYTES = 4096;

/** A cursor that hops from header to header and never reads what is skipped. */
export class SeekCursor implements TarCursor {
  readonly #source: Source;
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;
  position = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  get remaining(): number {
    return this.#source.size - this.position;
  }

  async take(length: number): Promise<Uint8Array> {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.position);
    let at = this.position - this.#windowOffset;
    if (at < 0 || at + length > this.#window.length) {
      this.#window = new Uint8Array(Math.min(Math.max(length, WINDOW_BYTES), this.remaining));
      this.#windowOffset = this.position;
      await this.#source.read(this.position, this.#window);
      at = 0;
    }
    this.position += length;
    return this.#window.subarray(at, at + length);
  }

  async skip(length: number): Promise<void> {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.position);
    this.position += length;
  }
}

/** A cursor over pieces that arrive in order. Whoever supplies them sees (and hashes) every byte. */
export class ScanCursor implements TarCursor {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #size: number;
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;
  position = 0;

  /** @param size - bytes that the pieces hold altogether. */
  constructor(pieces: AsyncIterable<Uint8Array>, size: number) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#size = size;
  }

  get remaining(): number {
    return this.#size - this.position;
  }

  peek(length: number): Uint8Array | undefined {
    const end = this.#at + length;
    return end <= this.#piece.length ? this.#piece.subarray(this.#at, end) : undefined;
  }

  accept(peeked: Uint8Array): void {
    this.#at += peeked.length;
    this.position += peeked.length;
  }

  /** As {@link take} where the bytes are at hand. */
  tryTake(length: number): Uint8Array | undefined {
    const bytes = this.peek(length);
    if (bytes !== undefined) this.accept(bytes);
    return bytes;
  }

  trySkip(length: number): boolean {
    return this.tryTake(length) !== undefined;
  }

  async #next(): Promise<void> {
    const { done, value } = await this.#pieces.next();
    if (done) throw truncatedTar(this.remaining, this.position);
    this.#piece = value;
    this.#at = 0;
  }

  async take(length: number): Promise<Uint8Array> {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.position);
    const atHand = this.tryTake(length);
    if (atHand !== undefined) return atHand;
    const bytes = new Uint8Array(length);
    let done = 0;
    await this.skip(length, (part) => {
      bytes.set(part, done);
      done += part.length;
    });
    return bytes;
  }

  /** At most the next `length` bytes, those that are at hand and at least one: a view as from {@link take}. */
  async takeSome(length: number): Promise<Uint8Array> {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.position);
    while (this.#at === this.#piece.length) await this.#next();
    const part = this.#piece.subarray(this.#at, this.#at + length);
    this.#at += part.length;
    this.position += part.length;
    return part;
  }

  async skip(length: number, visit?: (part: Uint8Array) => void): Promise<void> {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.position);
    for (let missing = length; missing > 0; ) {
      const part = await this.takeSome(missing);
      visit?.(part);
      missing -= part.length;
    }
  }

  /** Read what is left, so that every byte was seen, and tell the supplier that no more is wanted. */
  async drain(): Promise<void> {
    await this.skip(this.remaining);
    // The supplier may have an end to run to.
    while (!(await this.#pieces.next()).done);
  }

  /** Tell the supplier that no more is wanted. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}
