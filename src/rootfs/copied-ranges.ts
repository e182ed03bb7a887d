// What is shorter lies between others that changed: comparing it costs no more than keeping it.
const MIN_BYTES = 512;
const FIELDS = 3;

/** Which ranges of the target come out of the basis as they are: gathered in order, and asked for in the same order. */
export class CopiedRanges {
  /** Of each range: where in the target it begins and ends, and where in the basis it begins. */
  #ranges = new Float64Array(FIELDS * 64);
  #count = 0;
  /** Those before are passed. */
  #first = 0;

  add(targetOffset: number, basisOffset: number, length: number): void {
    const last = FIELDS * (this.#count - 1);
    const follows =
      this.#count > this.#first &&
      this.#ranges[last + 1] === targetOffset &&
      this.#ranges[last + 2]! + (targetOffset - this.#ranges[last]!) === basisOffset;
    if (follows) {
      this.#ranges[last + 1] = targetOffset + length;
      return;
    }
    if (length < MIN_BYTES) return;
    if (FIELDS * this.#count === this.#ranges.length) this.#makeRoom();
    const at = FIELDS * this.#count++;
    this.#ranges[at] = targetOffset;
    this.#ranges[at + 1] = targetOffset + length;
    this.#ranges[at + 2] = basisOffset;
  }

  /** Drop what is passed; take more memory where that is little. */
  #makeRoom(): void {
    const left = this.#ranges.subarray(FIELDS * this.#first, FIELDS * this.#count);
    const grown = 2 * left.length > this.#ranges.length ? 2 * this.#ranges.length : this.#ranges.length;
    const ranges = new Float64Array(grown);
    ranges.set(left);
    this.#ranges = ranges;
    this.#count -= this.#first;
    this.#first = 0;
  }

  /** Nothing before `targetOffset` is asked for any more: the ranges need no more memory than those that are yet to come to their turn. */
  passTo(targetOffset: number): void {
    while (this.#first < this.#count && this.#ranges[FIELDS * this.#first + 1]! <= targetOffset)
      this.#first++;
  }

  /** Where in the basis a range of the target comes from, if all of it was copied from one place; with it, what is before is passed. */
  find(targetOffset: number, length: number): number | undefined {
    this.passTo(targetOffset);
    const at = FIELDS * this.#first;
    const isInside =
      this.#first < this.#count &&
      targetOffset >= this.#ranges[at]! &&
      targetOffset + length <= this.#ranges[at + 1]!;
    return isInside ? this.#ranges[at + 2]! + (targetOffset - this.#ranges[at]!) : undefined;
  }
}
