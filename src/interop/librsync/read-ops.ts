import { ErrorCode, FormatError } from "../../errors.ts";
import type { StreamReader } from "../../io/index.ts";
import { DELTA_MAGIC, INTEGER_BYTES, OpCode } from "./format.ts";

/** One op. The bytes of a literal are read from the same stream before the next op. */
export type RdiffOp =
  | { readonly kind: "copy"; readonly offset: number; readonly length: number }
  | { readonly kind: "literal"; readonly length: number };

/** Reads the ops of a delta in order, and refuses what no delta may have. */
export class RdiffOpReader {
  readonly #input: StreamReader;
  #targetBytes = 0;

  private constructor(input: StreamReader) {
    this.#input = input;
  }

  /** @throws {@link FormatError} `BAD_MAGIC`, `TRUNCATED`. */
  static async open(input: StreamReader): Promise<RdiffOpReader> {
    const magic = new DataView((await input.read(4)).buffer).getUint32(0);
    if (magic !== DELTA_MAGIC) {
      throw new FormatError(ErrorCode.BAD_MAGIC, "expected a delta of rdiff, found another kind of file", {
        offset: 0,
        actual: magic.toString(16).padStart(8, "0"),
      });
    }
    return new RdiffOpReader(input);
  }

  /** How many bytes the ops make that were read so far. */
  get targetBytes(): number {
    return this.#targetBytes;
  }

  #corrupt(message: string): FormatError {
    return new FormatError(ErrorCode.CORRUPT_BODY, `the delta is damaged: ${message}`, {
      offset: this.#input.position,
    });
  }

  #integer(view: DataView, at: number, bytes: number): number {
    if (bytes === 1) return view.getUint8(at);
    if (bytes === 2) return view.getUint16(at);
    if (bytes === 4) return view.getUint32(at);
    const value = Number(view.getBigUint64(at));
    if (!Number.isSafeInteger(value)) throw this.#corrupt("an integer is over 2^53 − 1");
    return value;
  }

  async #integers(first: number, second = 0): Promise<[number, number]> {
    const bytes = await this.#input.read(first + second);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return [this.#integer(view, 0, first), second === 0 ? 0 : this.#integer(view, first, second)];
  }

  /**
   * The next op; nothing at the end, behind which nothing may follow.
   *
   * @throws {@link FormatError} `TRUNCATED`, `CORRUPT_BODY`, `TRAILING_DATA`.
   */
  async next(): Promise<RdiffOp | undefined> {
    const code = (await this.#input.read(1))[0]!;
    if (code === OpCode.END) {
      if (await this.#input.ended()) return undefined;
      throw new FormatError(ErrorCode.TRAILING_DATA, "expected the end of the delta, found more bytes", {
        offset: this.#input.position,
      });
    }
    const op = await this.#decode(code);
    if (op.length === 0) throw this.#corrupt("an op has no length");
    this.#targetBytes += op.length;
    if (!Number.isSafeInteger(this.#targetBytes)) throw this.#corrupt("the target is over 2^53 − 1 bytes");
    return op;
  }

  async #decode(code: number): Promise<RdiffOp> {
    if (code <= OpCode.LAST_SHORT_LITERAL) return { kind: "literal", length: code };
    if (code > OpCode.LAST_COPY) throw this.#corrupt(`expected an op, found the code ${code}`);
    const isCopy = code >= OpCode.FIRST_COPY;
    const sizes = code - (isCopy ? OpCode.FIRST_COPY : OpCode.FIRST_LITERAL);
    const lengthBytes = INTEGER_BYTES[sizes % 4]!;
    const [offset, length] = isCopy
      ? await this.#integers(INTEGER_BYTES[Math.floor(sizes / 4)]!, lengthBytes)
      : [0, (await this.#integers(lengthBytes))[0]];
    return isCopy ? { kind: "copy", offset, length } : { kind: "literal", length };
  }
}
