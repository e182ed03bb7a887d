import { concatBytes } from "../bytes/index.ts";
import type { WasmModule } from "../bytes/wasm-module.ts";
import { ErrorCode, FormatError } from "../errors.ts";

/** What every module that is built on `assembly/` exports. */
export interface CoderKernels {
  readonly memory: WebAssembly.Memory;
  prepareModel(): void;
  startCoder(decode: number): void;
  finishCoder(): void;
  setCodedPosition(position: number): void;
  getCodedPosition(): number;
  /** The last byte of a segment that has ended, where there is only one that is right. */
  endByte?(): number;
}

/** Coded bytes that a decoder holds before it needs them. */
const READ_AHEAD_BYTES = 4;

/** Codes the raw bytes of a segment from `from` to about `to`, at least one, and returns where it stopped. */
export type CodePiece = (from: number, to: number) => number;

/** One instance of a module: a model in a fixed memory of its own, and the way of segments through it. */
export class WasmCoder<Kernels extends CoderKernels> {
  /** What is used of the instance, until it is closed. */
  #parts: { kernels: Kernels; memory: Uint8Array } | undefined;
  readonly #coded: number;
  readonly #pieceBytes: number;
  readonly #maxCodedBytes: number;
  readonly #module: WasmModule;
  readonly #exports: WebAssembly.Exports;

  private constructor(module: WasmModule, exports: WebAssembly.Exports) {
    this.#module = module;
    this.#exports = exports;
    const kernels = exports as unknown as Kernels;
    kernels.prepareModel();
    this.#parts = { kernels, memory: new Uint8Array(kernels.memory.buffer) };
    this.#coded = this.constant("CODED");
    this.#pieceBytes = this.constant("PIECE_BYTES");
    this.#maxCodedBytes = this.constant("MAX_CODED_BYTES");
  }

  /** Make an instance whose model knows nothing yet. */
  static async instantiate<Kernels extends CoderKernels>(module: WasmModule): Promise<WasmCoder<Kernels>> {
    return new WasmCoder<Kernels>(module, await module.instantiate());
  }

  #get(): { kernels: Kernels; memory: Uint8Array } {
    if (this.#parts === undefined) throw new TypeError("expected an open coder, this one is closed");
    return this.#parts;
  }

  /** @throws TypeError after `close`. */
  get kernels(): Kernels {
    return this.#get().kernels;
  }

  /**
   * The whole memory. All that is copied in and out is bytes, so any byte order will do.
   *
   * @throws TypeError after `close`.
   */
  get memory(): Uint8Array {
    return this.#get().memory;
  }

  /** Release the memory: another instance may get it. */
  close(): void {
    if (this.#parts === undefined) return;
    this.#module.takeBack(this.#parts.kernels.memory);
    this.#parts = undefined;
  }

  /** A number that the module exports. */
  constant(name: string): number {
    return (this.#exports[name] as WebAssembly.Global).value as number;
  }

  /** Code a segment of `length` bytes, at least 1, that is in the memory; returns the coded bytes. */
  encodeSegment(length: number, codePiece: CodePiece): Uint8Array {
    const { kernels, memory } = this;
    kernels.startCoder(0);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < length; ) {
      kernels.setCodedPosition(0);
      at = codePiece(at, Math.min(length, at + this.#pieceBytes));
      if (at >= length) kernels.finishCoder();
      parts.push(memory.slice(this.#coded, this.#coded + kernels.getCodedPosition()));
    }
    return concatBytes(parts);
  }

  /**
   * Decode a segment of `length` bytes, at least 1, into the memory.
   *
   * @param what - what the segment is, for messages.
   * @throws {@link FormatError} `CORRUPT_BODY` when the coded bytes end early, are not used up, or give another length.
   */
  decodeSegment(coded: Uint8Array, length: number, codePiece: CodePiece, what: string): void {
    const { kernels } = this;
    let used = 0;
    let at = 0;
    this.#fill(coded, used);
    kernels.startCoder(1);
    while (at < length) {
      if (at > 0) {
        this.#fill(coded, used);
        kernels.setCodedPosition(0);
      }
      at = codePiece(at, Math.min(length, at + this.#pieceBytes));
      if (at >= length) kernels.finishCoder();
      used += kernels.getCodedPosition();
      // Until its end a decoder is some bytes ahead; one that is further ahead reads what is not there.
      if (used > coded.length + READ_AHEAD_BYTES) break;
    }
    const end = kernels.endByte?.();
    if (end !== undefined && used === coded.length && coded.at(-1) !== end) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `expected ${what} to end with ${end}, found ${coded.at(-1)}: it is damaged`,
      );
    }
    if (used === coded.length && at === length) return;
    const found = used > coded.length ? `the end after ${coded.length}` : `${coded.length}`;
    const expected = used > coded.length ? "more" : `${used}`;
    throw new FormatError(
      ErrorCode.CORRUPT_BODY,
      at > length
        ? `expected ${what} of ${length} bytes, found more: it is damaged`
        : `expected ${expected} coded bytes of ${what}, found ${found}: it is damaged, or coded with other bytes beside it`,
    );
  }

  /**
   * Place the coded bytes behind the `used` ones. What a sound segment reads behind their end is zero; one that reads on is
   * refused, whatever it finds there. (Clearing the whole area took longer than decoding where there is little to decode.)
   */
  #fill(coded: Uint8Array, used: number): void {
    const part = coded.subarray(used, used + this.#maxCodedBytes);
    this.memory.set(part, this.#coded);
    this.memory.fill(0, this.#coded + part.length, this.#coded + part.length + 2 * READ_AHEAD_BYTES);
  }
}
