import type { MatchColumns } from "./match-columns.ts";

/** A range of the target that the basis has too, exactly or nearly. */
export interface Match {
  targetOffset: number;
  basisOffset: number;
  length: number;
  /** Whether every byte is equal. If not, the range is coded as a difference. */
  exact: boolean;
  /** Set for a tar header block that follows from that of the basis by other fields. */
  isHeader?: true;
  /** Set with {@link isHeader} where that is known to be nothing but another time. */
  touch?: HeaderTouch;
}

/** What gives a tar header another time. */
export interface HeaderTouch {
  /** In seconds. */
  readonly timeShift: number;
  /** Bytes of content and padding that both headers announce. */
  readonly contentBytes: number;
}

/** What all matches of a list come to. */
export interface MatchTotals {
  /** Ranges of the target that no match covers. */
  gapCount: number;
  gapBytes: number;
  headerCount: number;
  headerBytes: number;
  /** Of matches that are neither exact nor headers. */
  diffBytes: number;
}

/**
 * Matches in the order of the target, none overlapping another. What lies between them is literal.
 *
 * Columns of numbers instead of objects: a large image gives a million matches, at 25 bytes each.
 */
export class MatchList {
  #targetOffsets: Float64Array<ArrayBuffer>;
  #basisOffsets: Float64Array<ArrayBuffer>;
  #lengths: Float64Array<ArrayBuffer>;
  /** Whether each is exact; no header is. */
  #exact: Uint8Array<ArrayBuffer>;
  #size = 0;
  /** The numbers of the matches that are headers, which only rise: few are. Then what is known of each. */
  readonly #headers: number[] = [];
  readonly #touches: (HeaderTouch | undefined)[] = [];

  /** @param capacity - for so many matches the list need not grow. */
  constructor(capacity = 64) {
    const room = Math.max(1, capacity);
    this.#targetOffsets = new Float64Array(room);
    this.#basisOffsets = new Float64Array(room);
    this.#lengths = new Float64Array(room);
    this.#exact = new Uint8Array(room);
  }

  /** How many matches there are. */
  get size(): number {
    return this.#size;
  }

  /** Where the last match ends in the target; 0 when there is none. */
  get targetEnd(): number {
    return this.#size === 0 ? 0 : this.#targetOffsets[this.#size - 1]! + this.#lengths[this.#size - 1]!;
  }

  /** Where the last match ends in the basis; 0 when there is none. */
  get basisEnd(): number {
    return this.#size === 0 ? 0 : this.#basisOffsets[this.#size - 1]! + this.#lengths[this.#size - 1]!;
  }

  /** Which of the headers a match is; −1 when it is none. */
  #headerOf(index: number): number {
    const headers = this.#headers;
    // Mostly the question is about the last one.
    if (headers.length === 0 || headers[headers.length - 1]! < index || this.#exact[index] === 1) return -1;
    let low = 0;
    for (let high = headers.length - 1; low < high; ) {
      const middle = (low + high) >>> 1;
      if (headers[middle]! < index) low = middle + 1;
      else high = middle;
    }
    return headers[low] === index ? low : -1;
  }

  #grow(): void {
    const grow = <T extends Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(column: T): T => {
      const grown = new (column.constructor as new (length: number) => T)(column.length * 2);
      grown.set(column);
      return grown;
    };
    this.#targetOffsets = grow(this.#targetOffsets);
    this.#basisOffsets = grow(this.#basisOffsets);
    this.#lengths = grow(this.#lengths);
    this.#exact = grow(this.#exact);
  }

  /**
   * Append a match. One that continues the last in both target and basis, and is of its kind, makes that one longer.
   *
   * @throws RangeError when it begins before the last one ends.
   */
  add(targetOffset: number, basisOffset: number, length: number, exact = true): void {
    if (length === 0) return;
    if (targetOffset < this.targetEnd) {
      throw new RangeError(orderMessage(this.targetEnd, targetOffset));
    }
    const last = this.#size - 1;
    if (
      last >= 0 &&
      targetOffset === this.targetEnd &&
      basisOffset === this.basisEnd &&
      this.#exact[last] === Number(exact) &&
      (exact || this.#headerOf(last) < 0)
    ) {
      this.#lengths[last]! += length;
      return;
    }
    this.#append(targetOffset, basisOffset, length, exact);
  }

  #append(targetOffset: number, basisOffset: number, length: number, exact: boolean): void {
    if (this.#size === this.#lengths.length) this.#grow();
    this.#targetOffsets[this.#size] = targetOffset;
    this.#basisOffsets[this.#size] = basisOffset;
    this.#lengths[this.#size] = length;
    this.#exact[this.#size] = Number(exact);
    this.#size++;
  }

  /**
   * Append what a kernel lists, as {@link add} does one by one: for each match target offset, basis offset, and length · 2 + 1 where it
   * is exact.
   *
   * @param targetStart - is added to the offsets in the target, `basisStart` to those in the basis.
   */
  addRecords(records: Uint32Array, targetStart: number, basisStart: number): void {
    while (this.#size + records.length / 3 > this.#lengths.length) this.#grow();
    const [targetOffsets, basisOffsets] = [this.#targetOffsets, this.#basisOffsets];
    const [lengths, exacts] = [this.#lengths, this.#exact];
    let last = this.#size - 1;
    let targetEnd = this.targetEnd;
    let basisEnd = this.basisEnd;
    // A header is of no kind.
    let lastExact = last >= 0 && this.#headerOf(last) < 0 ? exacts[last]! : -1;
    for (let i = 0; i < records.length; i += 3) {
      const targetOffset = targetStart + records[i]!;
      const basisOffset = basisStart + records[i + 1]!;
      const length = records[i + 2]! >>> 1;
      const exact = records[i + 2]! & 1;
      if (length === 0) continue;
      if (targetOffset < targetEnd) throw new RangeError(orderMessage(targetEnd, targetOffset));
      if (targetOffset === targetEnd && basisOffset === basisEnd && exact === lastExact) {
        lengths[last]! += length;
      } else {
        last++;
        targetOffsets[last] = targetOffset;
        basisOffsets[last] = basisOffset;
        lengths[last] = length;
        exacts[last] = exact;
        lastExact = exact;
      }
      targetEnd = targetOffset + length;
      basisEnd = basisOffset + length;
    }
    this.#size = last + 1;
  }

  /** Append a tar header block that follows from that of the basis by other fields. */
  addHeader(targetOffset: number, basisOffset: number, length: number, touch?: HeaderTouch): void {
    // Never joined with others: each header is changed in its own way.
    this.#append(targetOffset, basisOffset, length, false);
    this.#headers.push(this.#size - 1);
    this.#touches.push(touch);
  }

  /** Append a match of whatever kind. */
  addMatch({ targetOffset, basisOffset, length, exact, isHeader, touch }: Match): void {
    if (isHeader) this.addHeader(targetOffset, basisOffset, length, touch);
    else this.add(targetOffset, basisOffset, length, exact);
  }

  /** Append a match of another list. */
  addFrom(list: MatchList, index: number): void {
    const targetOffset = list.#targetOffsets[index]!;
    const basisOffset = list.#basisOffsets[index]!;
    const length = list.#lengths[index]!;
    const header = list.#headerOf(index);
    if (header >= 0) this.addHeader(targetOffset, basisOffset, length, list.#touches[header]);
    else this.add(targetOffset, basisOffset, length, list.#exact[index] === 1);
  }

  /** Where the match of a number begins in the target. */
  targetOffsetOf(index: number): number {
    return this.#targetOffsets[index]!;
  }

  /** Likewise in the basis. */
  basisOffsetOf(index: number): number {
    return this.#basisOffsets[index]!;
  }

  /** How long the match of a number is. */
  lengthOf(index: number): number {
    return this.#lengths[index]!;
  }

  /** Whether it is exact. */
  isExact(index: number): boolean {
    return this.#exact[index] === 1;
  }

  /** The match of a number from 0 to `size` − 1. */
  at(index: number): Match {
    const match: Match = {
      targetOffset: this.#targetOffsets[index]!,
      basisOffset: this.#basisOffsets[index]!,
      length: this.#lengths[index]!,
      exact: this.#exact[index] === 1,
    };
    const header = this.#headerOf(index);
    if (header >= 0) {
      match.isHeader = true;
      const touch = this.#touches[header];
      if (touch !== undefined) match.touch = touch;
    }
    return match;
  }

  /** All matches, to be moved between threads; what of them are headers is not told. */
  toColumns(): MatchColumns {
    return {
      targetOffsets: this.#targetOffsets.slice(0, this.#size),
      basisOffsets: this.#basisOffsets.slice(0, this.#size),
      lengths: this.#lengths.slice(0, this.#size),
      exact: this.#exact.slice(0, this.#size),
    };
  }

  /** What the matches of a target of so many bytes come to. */
  countTotals(targetBytes: number): MatchTotals {
    let covered = 0;
    let gapCount = 0;
    let diffBytes = 0;
    let end = 0;
    for (let i = 0; i < this.#size; i++) {
      const start = this.#targetOffsets[i]!;
      const length = this.#lengths[i]!;
      if (start > end) gapCount++;
      if (this.#exact[i] === 0) diffBytes += length;
      covered += length;
      end = start + length;
    }
    if (end < targetBytes) gapCount++;
    let headerBytes = 0;
    for (const i of this.#headers) headerBytes += this.#lengths[i]!;
    return {
      gapCount,
      gapBytes: targetBytes - covered,
      headerCount: this.#headers.length,
      diffBytes: diffBytes - headerBytes,
      headerBytes,
    };
  }

  *[Symbol.iterator](): Generator<Match, void, undefined> {
    for (let i = 0; i < this.#size; i++) yield this.at(i);
  }

  /** The ranges of the target from 0 to `targetBytes` that no match covers. */
  *gaps(targetBytes: number): Generator<{ offset: number; length: number }, void, undefined> {
    let at = 0;
    for (let i = 0; i < this.#size; i++) {
      const start = this.#targetOffsets[i]!;
      if (start > at) yield { offset: at, length: start - at };
      at = start + this.#lengths[i]!;
    }
    if (at < targetBytes) yield { offset: at, length: targetBytes - at };
  }
}

const orderMessage = (end: number, targetOffset: number): string =>
  `expected a match at ${end} or later, got one at ${targetOffset}`;

/** Two lists that do not overlap in the target, as one. */
export function mergeMatches(a: MatchList, b: MatchList): MatchList {
  const merged = new MatchList(a.size + b.size);
  let next = 0;
  for (let i = 0; i < a.size; i++) {
    for (; next < b.size && b.targetOffsetOf(next) < a.targetOffsetOf(i); next++) merged.addFrom(b, next);
    merged.addFrom(a, i);
  }
  for (; next < b.size; next++) merged.addFrom(b, next);
  return merged;
}
