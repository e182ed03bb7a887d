/**
 * What the arithmetic decoders of `MIXING.md` and `NIBBLES.md` have in common, in plain TypeScript, for their references alone.
 *
 * @module
 */

/** The interval, and bits. */
export class ReferenceInterval {
  protected coded: Uint8Array = new Uint8Array(0);
  protected bytesRead = 0;
  protected low = 0;
  protected high = 0xffffffff;
  protected code = 0;

  /** Begin a segment. */
  start(coded: Uint8Array): void {
    this.coded = coded;
    this.bytesRead = 0;
    this.low = 0;
    this.high = 0xffffffff;
    this.code = 0;
    for (let i = 0; i < 4; i++) this.#readByte();
  }

  /** Decode a bit that is 1 with the probability `probability`, of 65,536. */
  decodeBit(probability: number): number {
    const range = this.high - this.low;
    const middle =
      this.low +
      Math.floor(range / 65_536) * probability +
      Math.floor(((range % 65_536) * probability) / 65_536);
    const bit = this.code <= middle ? 1 : 0;
    if (bit === 1) this.high = middle;
    else this.low = middle + 1;
    this.renew();
    return bit;
  }

  /** Shift out equal leading bytes. */
  protected renew(): void {
    while (this.low >>> 24 === this.high >>> 24) {
      this.low = (this.low << 8) >>> 0;
      this.high = ((this.high << 8) | 255) >>> 0;
      this.#readByte();
    }
  }

  #readByte(): void {
    this.code = ((this.code << 8) | (this.coded[this.bytesRead++] ?? 0)) >>> 0;
  }
}
