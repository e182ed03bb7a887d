import { lazyModule } from "../../bytes/lazy-module.ts";
import { WASM_BASE64 } from "./generated.ts";
import { WASM_BASE64 as SHARED_WASM_BASE64 } from "./shared/generated.ts";

/** What the module exports. Places are addresses in its memory; behind target and basis 64 bytes more may be read. */
export interface MatchKernels {
  setBasis(at: number, bytes: number): void;
  setTarget(at: number, bytes: number): void;
  /** Where the index of the basis is: 2^slotBits slots of 4 bytes. */
  setSlots(at: number, slotBits: number): void;
  /** Fill the slots of one of 2^partBits parts, which must hold zeros. */
  fillSlots(part: number, partBits: number): void;
  /** Give the instance memory of its own, as much as `SCRATCH_BYTES` says; returns where matches will be listed. */
  setScratch(at: number): number;
  /** Begin with a piece of the target, skimming it if that is not 0; returns whether the slots are needed. */
  startPiece(pieceOffset: number, skims: number): number;
  /** List matches; returns how many bytes they take, 0 when there are no more. */
  findMatches(): number;
}

/** One instance, with its memory. */
export interface MatchKernel {
  readonly kernels: MatchKernels;
  readonly memory: WebAssembly.Memory;
  readonly scratchBytes: number;
}

const compileOwn = lazyModule(WASM_BASE64);
const compileShared = lazyModule(SHARED_WASM_BASE64);

/**
 * Make an instance with a memory of its own or, if one is given, in a shared memory. There are two modules for that, made from
 * the same sources: what imports a shared memory takes no other, and not every runtime has such memory.
 */
export async function instantiateMatchKernel(memory?: WebAssembly.Memory): Promise<MatchKernel> {
  const module = await (memory === undefined ? compileOwn() : compileShared());
  const { exports } = await WebAssembly.instantiate(module, memory === undefined ? {} : { env: { memory } });
  return {
    kernels: exports as unknown as MatchKernels,
    memory: memory ?? (exports.memory as WebAssembly.Memory),
    scratchBytes: (exports.SCRATCH_BYTES as WebAssembly.Global).value as number,
  };
}
