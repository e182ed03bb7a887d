import { growMemory } from "../../bytes/wasm-module.ts";
import { PIECE_BYTES } from "./holder.ts";
import type { Kernels } from "./load.ts";

/** Room behind the buffer's bytes, for loads of more than one. */
const BUFFER_PADDING = 64;
/** The bytes in front of the window that are kept: the model looks back at four. */
const BUFFER_MARGIN = 16;

/** The last bytes that an encoder took in, in an instance's memory: its window and what is being coded. */
export class EncoderWindow {
  readonly #kernels: Kernels;
  readonly #buffer: number;
  readonly #windowBits: number;
  readonly #bufferBytes: number;
  /** Which of the bytes the buffer begins with. */
  #origin = 0;
  #position = 0;

  /** @param buffer - where in the memory it begins: nothing is behind it. */
  constructor(kernels: Kernels, buffer: number, windowBits: number) {
    this.#kernels = kernels;
    this.#buffer = buffer;
    this.#windowBits = windowBits;
    this.#bufferBytes = 2 ** windowBits + BUFFER_MARGIN + 2 * PIECE_BYTES;
    growMemory(kernels.memory, buffer + this.#bufferBytes + BUFFER_PADDING);
  }

  /** Bytes taken in so far, modulo 2^32. */
  get position(): number {
    return this.#position % 2 ** 32;
  }

  /** Take in bytes, {@link PIECE_BYTES} at most. */
  take(bytes: Uint8Array): void {
    const memory = new Uint8Array(this.#kernels.memory.buffer);
    const buffer = this.#buffer;
    if (this.#position + bytes.length - this.#origin > this.#bufferBytes) {
      const next = this.#position - 2 ** this.#windowBits - BUFFER_MARGIN;
      memory.copyWithin(buffer, buffer + (next - this.#origin), buffer + (this.#position - this.#origin));
      this.#origin = next;
      this.#kernels.moveBuffer(buffer - next, this.#windowBits);
    }
    memory.set(bytes, buffer + (this.#position - this.#origin));
    this.#position += bytes.length;
  }
}
