import { lazyModule } from "./lazy-module.ts";

/** Bytes of a page of WASM memory. */
export const WASM_PAGE_BYTES = 65_536;

/** A memory that has grown beyond this is not kept: to clear all of it would take longer than the pages that a new one needs. */
const MAX_KEPT_BYTES = 1 << 25;

/**
 * A module that is compiled when it is first needed, and the memory of its instances: a new one gets that of one that was
 * closed. A page that is touched for the first time costs 3 to 20 µs, and a coder needs some hundreds before it has coded a byte;
 * to clear a memory whose pages are there takes a tenth of that.
 *
 * Memories are kept weakly: the garbage collector takes them as if nobody kept them.
 */
export class WasmModule {
  readonly #compile: () => Promise<WebAssembly.Module>;
  readonly #pages: number;
  readonly #idle: WeakRef<WebAssembly.Memory>[] = [];

  /** @param memoryBytes - what an instance begins with: whole pages. */
  constructor(base64: string, memoryBytes: number) {
    this.#compile = lazyModule(base64);
    this.#pages = memoryBytes / WASM_PAGE_BYTES;
  }

  /**
   * Make an instance. Its memory may be longer than asked for.
   *
   * @param settings - whether the memory has to be zero, but for the module's own data: it is unless told otherwise.
   */
  async instantiate({ isZero = true } = {}): Promise<WebAssembly.Exports> {
    const module = await this.#compile();
    const { exports } = await WebAssembly.instantiate(module, { env: { memory: this.#takeMemory(isZero) } });
    return exports;
  }

  #takeMemory(isZero: boolean): WebAssembly.Memory {
    while (this.#idle.length > 0) {
      const memory = this.#idle.pop()!.deref();
      if (memory === undefined) continue;
      if (isZero) new Uint8Array(memory.buffer).fill(0);
      return memory;
    }
    return new WebAssembly.Memory({ initial: this.#pages });
  }

  /** Take back the memory of an instance that is used no more. */
  takeBack(memory: WebAssembly.Memory): void {
    if (memory.buffer.byteLength <= MAX_KEPT_BYTES) this.#idle.push(new WeakRef(memory));
  }
}

/** All of a memory, which has at least `bytes` bytes from now on; views from before may be detached. */
export function growMemory(memory: WebAssembly.Memory, bytes: number): Uint8Array {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / WASM_PAGE_BYTES));
  return new Uint8Array(memory.buffer);
}
