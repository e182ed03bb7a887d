/** Shows the header blocks of a stream that somebody else takes apart to our own tar reader. */
import { ErrorCode, ImageError, LimitError } from "../errors.ts";
import { BLOCK_BYTES, isZeroBlock, type TarCursor, truncatedTar } from "./tar/index.ts";

// Far more than the headers of one entry take, all extended ones counted in.
const MAX_HEADER_BYTES = 1 << 23;

interface Part {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The error for an archive that two readers take apart differently. */
export function ambiguousArchive(offset: number): ImageError {
  return new ImageError(
    ErrorCode.BAD_ENTRY,
    "the archive has a member that cannot be read from a stream (a sparse file, or a header of doubtful meaning); " +
      "save the archive to a file and name that",
    { offset },
  );
}

/**
 * A cursor over a stream that keeps the bytes from the next header on and forgets contents as they pass, so that memory
 * is bounded by the headers of one entry.
 */
export class HeaderTap implements TarCursor {
  #parts: Part[] = [];
  #headerOffset = 0;
  #arrived = 0;
  #shown = 0;
  #ended = false;
  position = 0;

  /** How much there is to come is not known before the end. */
  get remaining(): number {
    return (this.#ended ? this.#arrived : Number.MAX_SAFE_INTEGER) - this.position;
  }

  /** Whether the stream ended inside the content of the last entry. */
  get isShort(): boolean {
    return this.#ended && this.#arrived < this.#headerOffset;
  }

  /** The error for a stream that {@link isShort}. */
  truncated(): ImageError {
    return truncatedTar(this.#headerOffset - this.#arrived, this.#arrived);
  }

  /**
   * Take in the next bytes of the stream. They are kept, not copied.
   *
   * @throws {@link LimitError} `SIZE_LIMIT` for headers without end.
   */
  push(bytes: Uint8Array): void {
    const offset = this.#arrived;
    this.#arrived += bytes.length;
    if (this.#arrived <= this.#headerOffset) return;
    this.#parts.push({ offset, bytes });
    if (this.#arrived - this.#headerOffset > MAX_HEADER_BYTES + bytes.length) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `expected at most ${MAX_HEADER_BYTES} bytes of headers for one member of an archive`,
        { offset: this.#headerOffset },
      );
    }
  }

  /** The stream has ended: what is there may all be looked at, and no more will be. */
  end(): void {
    this.#ended = true;
    this.#shown = this.#arrived;
  }

  /** Let the cursor look at the bytes before `offset`; all that are there unless it is given. */
  showUpTo(offset = this.#arrived): void {
    this.#shown = Math.min(offset, this.#arrived);
  }

  /** The next header is at `offset`; what is before that is content and may be forgotten. */
  keepFrom(offset: number): void {
    this.#headerOffset = offset;
    this.#parts = this.#parts.filter((part) => part.offset + part.bytes.length > offset);
  }

  /** Whether the end mark has arrived, with the block behind it, where the next header is expected. */
  sawEndMark(): boolean {
    const at = this.#headerOffset;
    return this.#arrived >= at + 2 * BLOCK_BYTES && isZeroBlock(this.#copy(at, BLOCK_BYTES));
  }

  async take(length: number): Promise<Uint8Array> {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.position);
    if (this.position + length > this.#shown) throw ambiguousArchive(this.position);
    const bytes = this.#copy(this.position, length);
    this.position += length;
    return bytes;
  }

  async skip(length: number): Promise<void> {
    if (length > this.remaining) throw truncatedTar(length - this.remaining, this.#arrived);
    this.position += length;
  }

  #copy(offset: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    for (const part of this.#parts) {
      const from = offset - part.offset;
      if (from >= part.bytes.length || from + length <= 0) continue;
      const seen = part.bytes.subarray(Math.max(from, 0), from + length);
      copy.set(seen, Math.max(-from, 0));
    }
    return copy;
  }
}
