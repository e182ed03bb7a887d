import { lazyModule } from "../../bytes/lazy-module.ts";
import { WASM_BASE64 } from "./generated.ts";

interface Kernels {
  readonly memory: WebAssembly.Memory;
  prepareWeights(): void;
  hashWindow(from: number, length: number): number;
  hashBlocks(from: number, blockBytes: number, count: number): void;
  hashBlocksWeak(from: number, blockBytes: number, count: number): void;
  clearFilters(coarseBits: number, fineBits: number): void;
  addToFilters(from: number, count: number): void;
  scan(from: number, positions: number, blockBytes: number, outWeight: number, firstHash: number): number;
  powerOfMultiplier(exponent: number): number;
  countEqualForward(a: number, b: number, length: number): number;
  countEqualBackward(a: number, b: number, length: number): number;
  addBytes(a: number, b: number, length: number): void;
  subtractBytes(a: number, b: number, length: number): void;
  startWhole(): void;
  updateWhole(from: number, length: number): void;
  digestWhole(): bigint;
}

/** Where the areas of an instance's memory are, in bytes; `assembly/memory.ts` says what each is for. */
interface MemoryMap {
  readonly scanState: number;
  readonly candidates: number;
  readonly maxCandidates: number;
  readonly weakHashes: number;
  readonly strongHashes: number;
  readonly maxBlocks: number;
  readonly input: number;
  readonly inputBytes: number;
  readonly filters: number;
}

/** One instance of the core with a memory of its own. */
export interface CoreInstance {
  readonly kernels: Kernels;
  readonly map: MemoryMap;
}

const compileCore = lazyModule(WASM_BASE64);

/** Make an instance. Its memory is little-endian: whoever sees it as numbers of more than one byte checks that the machine is. */
export async function instantiateCore(): Promise<CoreInstance> {
  const { exports } = await WebAssembly.instantiate(await compileCore());
  const kernels = exports as unknown as Kernels;
  const place = (name: string): number => (exports[name] as WebAssembly.Global).value as number;
  kernels.prepareWeights();
  return {
    kernels,
    map: {
      scanState: place("SCAN_STATE"),
      candidates: place("CANDIDATES"),
      maxCandidates: place("MAX_CANDIDATES"),
      weakHashes: place("WEAK_HASHES"),
      strongHashes: place("STRONG_HASHES"),
      maxBlocks: place("MAX_BLOCKS"),
      input: place("INPUT"),
      inputBytes: place("INPUT_BYTES"),
      filters: place("FILTERS"),
    },
  };
}
