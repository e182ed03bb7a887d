/**
 * Sparse files: GNU's old format (typeflag "S") and its PAX formats 0.0, 0.1 and 1.0, which all say which parts of the
 * file are stored, one after another (GNU tar manual, "Storing Sparse Files").
 */
import { ErrorCode, ImageError } from "../../errors.ts";
import { decodeBinary } from "./text.ts";

/** A part of a sparse file that is stored; everything between is zero. */
export interface SparseExtent {
  offset: number;
  length: number;
}

function bad(message: string, offset: number): ImageError {
  return new ImageError(ErrorCode.BAD_TAR_HEADER, `sparse file: ${message}`, { offset });
}

function parseDecimal(text: string, offset: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw bad(`expected a number, found ${JSON.stringify(text)}`, offset);
  return value;
}

function parseOctal(block: Uint8Array, at: number, offset: number): number {
  const text = decodeBinary(block.subarray(at, at + 12));
  if ((block[at]! & 0x80) !== 0) {
    let value = block[at]! & 0x7f;
    for (let i = 1; i < 12; i++) value = value * 256 + block[at + i]!;
    if (!Number.isSafeInteger(value)) throw bad("a number is over 2^53 − 1", offset);
    return value;
  }
  const digits = /^[ \0]*([0-7]*)[ \0]*$/.exec(text);
  if (digits === null) throw bad(`expected octal digits, found ${JSON.stringify(text)}`, offset);
  return digits[1] === "" ? 0 : Number.parseInt(digits[1]!, 8);
}

/**
 * The extents in one block of GNU's old format.
 *
 * @param block - the header itself (4 places at byte 386) or one of the blocks that follow it (21 places at byte 0).
 * @returns whether another block follows.
 */
export function readGnuExtents(
  block: Uint8Array,
  isHeader: boolean,
  extents: SparseExtent[],
  offset: number,
): boolean {
  const start = isHeader ? 386 : 0;
  const places = isHeader ? 4 : 21;
  for (let i = 0; i < places; i++) {
    const at = start + 24 * i;
    if (block[at] === 0) break;
    extents.push({ offset: parseOctal(block, at, offset), length: parseOctal(block, at + 12, offset) });
  }
  return block[isHeader ? 482 : 504] !== 0;
}

/** Size of the dense file in a header of GNU's old format. */
export function readGnuRealSize(block: Uint8Array, offset: number): number {
  return parseOctal(block, 483, offset);
}

/** The extents of a PAX `GNU.sparse.map` value: "offset,length,offset,length,...". */
export function parseSparseMap(map: string, offset: number): SparseExtent[] {
  if (map === "") return [];
  const numbers = map.split(",");
  if (numbers.length % 2 !== 0)
    throw bad(`expected pairs in the map, found ${numbers.length} numbers`, offset);
  const extents: SparseExtent[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    extents.push({
      offset: parseDecimal(numbers[i]!, offset),
      length: parseDecimal(numbers[i + 1]!, offset),
    });
  }
  return extents;
}

/**
 * Collects the map that stands before the content in PAX format 1.0: lines of decimal digits, the first of which is
 * the number of extents, padded to whole blocks.
 */
export class SparseMapLines {
  readonly #offset: number;
  readonly #numbers: number[] = [];
  #partial = "";

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** Take in one more block. Returns the extents once they are all there. */
  push(block: Uint8Array): SparseExtent[] | undefined {
    const lines = (this.#partial + decodeBinary(block)).split("\n");
    this.#partial = lines.pop()!;
    for (const line of lines) {
      if (this.#done()) break;
      this.#numbers.push(parseDecimal(line, this.#offset));
    }
    if (this.#done()) return this.#extents();
    // A number that does not end must not make the lines quadratic.
    if (this.#partial.length > 20) throw bad("expected lines of digits in the map", this.#offset);
    return undefined;
  }

  #done(): boolean {
    return this.#numbers.length > 0 && this.#numbers.length >= 1 + 2 * this.#numbers[0]!;
  }

  #extents(): SparseExtent[] {
    const extents: SparseExtent[] = [];
    for (let i = 1; i < this.#numbers.length; i += 2) {
      extents.push({ offset: this.#numbers[i]!, length: this.#numbers[i + 1]! });
    }
    return extents;
  }
}

/**
 * Check that extents ascend, do not overlap, lie inside the file, and hold exactly what is stored. Empty ones (GNU tar
 * ends its maps with one) are dropped.
 *
 * @throws {@link ImageError} `BAD_TAR_HEADER`.
 */
export function checkSparseExtents(
  extents: readonly SparseExtent[],
  realBytes: number,
  storedBytes: number,
  offset: number,
): SparseExtent[] {
  let end = 0;
  let stored = 0;
  for (const extent of extents) {
    if (extent.offset < end || extent.length > realBytes - extent.offset) {
      throw bad(
        `expected extents in order inside ${realBytes} bytes, found ${extent.length} bytes at ${extent.offset}`,
        offset,
      );
    }
    end = extent.offset + extent.length;
    stored += extent.length;
  }
  if (stored !== storedBytes)
    throw bad(`expected ${stored} stored bytes as the map says, found ${storedBytes}`, offset);
  return extents.filter((extent) => extent.length > 0);
}
