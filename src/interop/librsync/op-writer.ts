import type { Sink } from "../../io/index.ts";
import { DELTA_MAGIC, INTEGER_BYTES, OpCode } from "./format.ts";

const BUFFER_BYTES = 1 << 16;
/** An op's code and two integers of eight bytes. */
const MAX_OP_BYTES = 17;

/** Which of {@link INTEGER_BYTES} a number takes. */
function sizeClass(value: number): number {
  return value < 2 ** 8 ? 0 : value < 2 ** 16 ? 1 : value < 2 ** 32 ? 2 : 3;
}

/** How many bytes a copy takes in the delta. */
export function copyOpBytes(offset: number, length: number): number {
  return 1 + INTEGER_BYTES[sizeClass(offset)]! + INTEGER_BYTES[sizeClass(length)]!;
}

/** What the ops of a delta do. */
export interface RdiffOpTotals {
  copiedBytes: number;
  literalBytes: number;
  opCount: number;
}

/** Writes ops one after another. */
export class RdiffOpWriter implements RdiffOpTotals {
  copiedBytes = 0;
  literalBytes = 0;
  opCount = 0;
  readonly #sink: Sink;
  readonly #out = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#out.buffer);
  #outBytes = 4;

  constructor(sink: Sink) {
    this.#sink = sink;
    this.#view.setUint32(0, DELTA_MAGIC);
  }

  async #flush(): Promise<void> {
    await this.#sink.write(this.#out.subarray(0, this.#outBytes));
    this.#outBytes = 0;
  }

  #integer(value: number, bytes: number): void {
    const at = this.#outBytes;
    if (bytes === 1) this.#view.setUint8(at, value);
    else if (bytes === 2) this.#view.setUint16(at, value);
    else if (bytes === 4) this.#view.setUint32(at, value);
    else this.#view.setBigUint64(at, BigInt(value));
    this.#outBytes += bytes;
  }

  async #op(code: number, ...integers: readonly number[]): Promise<void> {
    if (this.#outBytes > BUFFER_BYTES - MAX_OP_BYTES) await this.#flush();
    this.#out[this.#outBytes++] = code;
    for (const value of integers) this.#integer(value, INTEGER_BYTES[sizeClass(value)]!);
  }

  async copy(offset: number, length: number): Promise<void> {
    const code = OpCode.FIRST_COPY + 4 * sizeClass(offset) + sizeClass(length);
    await this.#op(code, offset, length);
    this.copiedBytes += length;
    this.opCount++;
  }

  /** Begin a literal; its bytes follow by {@link bytes}. */
  async literal(length: number): Promise<void> {
    if (length <= OpCode.LAST_SHORT_LITERAL) await this.#op(length);
    else await this.#op(OpCode.FIRST_LITERAL + sizeClass(length), length);
    this.literalBytes += length;
    this.opCount++;
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    if (this.#outBytes + bytes.length > BUFFER_BYTES) await this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      await this.#sink.write(bytes);
      return;
    }
    this.#out.set(bytes, this.#outBytes);
    this.#outBytes += bytes.length;
  }

  async end(): Promise<void> {
    await this.#op(OpCode.END);
    await this.#flush();
  }
}
