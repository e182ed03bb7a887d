import { lazyModule } from "../../../bytes/lazy-module.ts";
import { checkLittleEndian } from "../../../hash/index.ts";
import { WASM_BASE64 } from "./generated.ts";

/** What the module exports; `assembly/` says what each does. */
interface Kernels {
  readonly memory: WebAssembly.Memory;
  updateRabinKarp(hash: number, from: number, length: number): number;
  updateRollsum(hash: number, from: number, length: number): number;
  clearFilter(bits: number): void;
  addToFilter(from: number, count: number): void;
  scanRabinKarp(positions: number, blockBytes: number, first: number): number;
  scanRollsum(positions: number, blockBytes: number, first: number): number;
}

/** Where the areas of an instance's memory are; `assembly/memory.ts` says what each is for. */
interface MemoryMap {
  readonly nextHash: number;
  readonly candidates: number;
  readonly maxPositions: number;
  readonly leaving: number;
  readonly entering: number;
  readonly input: number;
  readonly inputBytes: number;
  readonly filter: number;
}

/** One instance with a memory of its own. */
export interface WeakKernel {
  readonly kernels: Kernels;
  readonly map: MemoryMap;
}

const compileWeakKernel = lazyModule(WASM_BASE64);

/**
 * Make an instance.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` on a big-endian machine.
 */
export async function instantiateWeakKernel(): Promise<WeakKernel> {
  checkLittleEndian();
  const { exports } = await WebAssembly.instantiate(await compileWeakKernel());
  const place = (name: string): number => (exports[name] as WebAssembly.Global).value as number;
  return {
    kernels: exports as unknown as Kernels,
    map: {
      nextHash: place("NEXT_HASH"),
      candidates: place("CANDIDATES"),
      maxPositions: place("MAX_POSITIONS"),
      leaving: place("LEAVING"),
      entering: place("ENTERING"),
      input: place("INPUT"),
      inputBytes: place("INPUT_BYTES"),
      filter: place("FILTER"),
    },
  };
}
