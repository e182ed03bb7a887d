/**
 * What `NIBBLES.md` says, in plain TypeScript: slow, and written to be compared with the text. The reference decoders of the
 * codecs stand on it; they are the oracles of the WASM's tests, and nothing else uses them.
 *
 * @module
 */
import { ErrorCode, FormatError } from "../errors.ts";
import { ReferenceInterval } from "./interval-reference.ts";

/** The distribution of a nibble in one context. */
export class Line {
  /** The probability of all numbers below each from 0 to 16, of 32,768. */
  readonly below = Array.from({ length: 17 }, (_, i) => 2048 * i);
  count = 0;

  learn(symbol: number): void {
    const rate = this.count < 15 ? Math.floor(65_536 / (2 * this.count + 3)) : 512;
    for (let i = 1; i < 16; i++) {
      const goal = i <= symbol ? 2 * i : 32_768 - 2 * (16 - i);
      this.below[i]! += ((goal - this.below[i]!) * rate + 16_384) >> 15;
    }
    this.count = Math.min(this.count + 1, 15);
  }
}

/** Lines by number, made when they are first asked for. */
export class Lines {
  readonly #lines = new Map<number, Line>();

  find(number: number): Line {
    let line = this.#lines.get(number);
    if (line === undefined) {
      line = new Line();
      this.#lines.set(number, line);
    }
    return line;
  }
}

/** 2^bits lines with a check each. */
export class HashedLines {
  readonly #lines = new Map<number, { line: Line; check: number }>();
  readonly #bits: number;

  constructor(bits: number) {
    this.#bits = bits;
  }

  find(hash: number): Line {
    const mixed = (hash ^ (hash >>> 13)) >>> 0;
    const number = mixed >>> (32 - this.#bits);
    const check = mixed & 4095;
    let held = this.#lines.get(number) ?? { line: new Line(), check: 0 };
    if (held.check !== check) held = { line: new Line(), check };
    this.#lines.set(number, held);
    return held.line;
  }
}

/** The sets of weights of each kind of nibble. */
export const makeSets = (kinds: number): number[][][] =>
  Array.from({ length: kinds }, () => Array.from({ length: 64 }, () => [8192, 8192, 8192, 8192]));

const classOf = ({ count }: Line): number => (count === 0 ? 0 : count < 3 ? 1 : count < 8 ? 2 : 3);

/** The arithmetic decoder, and nibbles. */
export class ReferenceNibbleCoder extends ReferenceInterval {
  /**
   * End a segment.
   *
   * @throws {@link FormatError} `CORRUPT_BODY` when it has not as many coded bytes as were read, or another last one.
   */
  finish(): void {
    if (this.bytesRead - 3 === this.coded.length && this.coded.at(-1) === (this.low >>> 24) + 1) return;
    throw new FormatError(ErrorCode.CORRUPT_BODY, "expected a whole segment, found a damaged one");
  }

  /** A nibble from four lines; `known` is what it is while the history is taken. */
  codeNibble(lines: readonly Line[], sets: readonly number[][], known?: number): number {
    const weights = sets[classOf(lines[1]!) + 4 * classOf(lines[2]!) + 16 * classOf(lines[3]!)]!;
    const shares = [0];
    for (let i = 1; i < 16; i++) {
      let mixed = 0;
      for (const [j, line] of lines.entries()) mixed += (line.below[i]! * weights[j]! + 16_384) >> 15;
      mixed = Math.min(32_767, mixed);
      shares.push(mixed - (mixed >> 11) + i);
    }
    shares.push(32_768);

    let symbol = known;
    if (symbol === undefined) {
      const share = this.#findShare(15);
      symbol = shares.findLastIndex((from) => from <= share);
      this.#takeShares(shares[symbol]!, shares[symbol + 1]!, 15);
    }

    const products = lines.map(({ below }, j) => weights[j]! * (below[symbol + 1]! - below[symbol]!));
    const all = Math.max(
      1,
      products.reduce((sum, product) => sum + product, 0),
    );
    const shift = 2 ** Math.clz32(all);
    const inverse = Math.floor(2 ** 31 / Math.floor((all * shift) / 65_536));
    for (let j = 0; j < 3; j++) {
      const part = Math.floor((Math.floor((products[j]! * shift) / 65_536) * inverse) / 65_536);
      weights[j]! += (part - (part >> 6) + 128 - weights[j]!) >> 5;
    }
    weights[3] = 32_768 - weights[0]! - weights[1]! - weights[2]!;
    for (const line of lines) line.learn(symbol);
    return symbol;
  }

  /** Bits that are all as probable. */
  decodePlain(bits: number): number {
    let value = 0;
    for (let left = bits; left > 0; left -= 8) {
      const part = Math.min(left, 8);
      const share = this.#findShare(part);
      this.#takeShares(share, share + 1, part);
      value = value * 2 ** part + share;
    }
    return value;
  }

  /** Where in the interval the coded number is, in 2^bits shares. */
  #findShare(bits: number): number {
    const unit = Math.floor((this.high - this.low) / 2 ** bits);
    return Math.min(Math.floor(((this.code - this.low) >>> 0) / unit), 2 ** bits - 1);
  }

  #takeShares(from: number, to: number, bits: number): void {
    const unit = Math.floor((this.high - this.low) / 2 ** bits);
    if (to < 2 ** bits) this.high = this.low + unit * to - 1;
    this.low += unit * from;
    this.renew();
  }

  protected override renew(): void {
    super.renew();
    while (this.high - this.low < 65_536) {
      const border = (this.high & 0xff000000) >>> 0;
      if (this.high - border < border - this.low) this.high = border - 1;
      else this.low = border;
      super.renew();
    }
  }
}
