import { growMemory, WASM_PAGE_BYTES, WasmModule } from "../../bytes/wasm-module.ts";
import { WASM_BASE64 } from "./generated.ts";
import { type packSparse, unpackSparse } from "./pack.ts";

// Behind each area that vectors are read from or written to.
const VECTOR_BYTES = 16;

// What packing overwrites beside three times the bytes of a segment.
const PACKING_BYTES = 48;

interface Kernels {
  readonly memory: WebAssembly.Memory;
  /** Where the memory is free from. */
  readonly FREE: WebAssembly.Global;
  pack(raw: number, rawBytes: number, packed: number): number;
  unpack(packed: number, packedBytes: number, into: number, intoBytes: number): number;
}

const sparseModule = new WasmModule(WASM_BASE64, WASM_PAGE_BYTES);

/**
 * Does in WASM what {@link packSparse} and {@link unpackSparse} do, fast from the first segment on: V8 compiled either of them four to six times for
 * thirty megabytes. Unpacking takes a fifth of the time.
 */
export class SparseKernel {
  readonly #kernels: Kernels;
  readonly #free: number;
  #memory: Uint8Array;

  private constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#free = kernels.FREE.value as number;
    this.#memory = new Uint8Array(kernels.memory.buffer);
  }

  static async create(): Promise<SparseKernel> {
    // Its memory is not taken back: brotli may still be at work in it when the coder is closed.
    return new SparseKernel((await sparseModule.instantiate()) as unknown as Kernels);
  }

  /** The memory grows to the largest segment and is used again. */
  #reserve(end: number): void {
    if (end > this.#memory.length) this.#memory = growMemory(this.#kernels.memory, end);
  }

  /** Pack the bytes of a segment; what it returns is valid until the next call. */
  pack(raw: Uint8Array): Uint8Array {
    const packedAt = this.#free + raw.length + VECTOR_BYTES;
    this.#reserve(packedAt + 3 * raw.length + PACKING_BYTES);
    this.#memory.set(raw, this.#free);
    const packedBytes = this.#kernels.pack(this.#free, raw.length, packedAt);
    return this.#memory.subarray(packedAt, packedAt + packedBytes);
  }

  /** Memory to put a packed segment into; what it holds is lost. */
  packed(packedBytes: number, rawBytes: number): Uint8Array {
    this.#reserve(this.#rawAt(packedBytes) + rawBytes + VECTOR_BYTES);
    return this.#memory.subarray(this.#free, this.#free + packedBytes);
  }

  #rawAt(packedBytes: number): number {
    return this.#free + packedBytes + VECTOR_BYTES;
  }

  /**
   * Unpack the segment that was put into {@link packed} memory.
   *
   * @throws {@link FormatError} as {@link unpackSparse}.
   */
  unpack(packedBytes: number, into: Uint8Array): void {
    const rawAt = this.#rawAt(packedBytes);
    if (this.#kernels.unpack(this.#free, packedBytes, rawAt, into.length) !== 0)
      into.set(this.#memory.subarray(rawAt, rawAt + into.length));
    // It says what is wrong.
    else unpackSparse(this.#memory.subarray(this.#free, this.#free + packedBytes), into);
  }
}
