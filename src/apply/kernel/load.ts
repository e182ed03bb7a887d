import { WasmModule } from "../../bytes/wasm-module.ts";
import { WASM_BASE64 } from "./generated.ts";

/** One instance, with its memory. */
export interface OpKernelInstance {
  readonly memory: WebAssembly.Memory;
  /** Where the state is; `assembly/state.ts` says what is in it. */
  readonly state: number;
  /** Carry out ops; `assembly/index.ts` says which. */
  runOps(): void;
  /** Add `length` bytes to others, modulo 256. */
  addTo(to: number, from: number, length: number): void;
  /** Begin an XXH64, take in bytes, give the hash of all since. */
  startHash(): void;
  updateHash(from: number, length: number): void;
  digestHash(): bigint;
}

const opModule = new WasmModule(WASM_BASE64, 1 << 16);

/** Make an instance whose memory has one page of 64 KiB, or more, with any bytes in it. */
export async function instantiateOpKernel(): Promise<OpKernelInstance> {
  const exports = await opModule.instantiate({ isZero: false });
  return {
    memory: exports.memory as WebAssembly.Memory,
    state: (exports.STATE as WebAssembly.Global).value as number,
    runOps: exports.runOps as OpKernelInstance["runOps"],
    addTo: exports.addTo as OpKernelInstance["addTo"],
    startHash: exports.startHash as OpKernelInstance["startHash"],
    updateHash: exports.updateHash as OpKernelInstance["updateHash"],
    digestHash: exports.digestHash as OpKernelInstance["digestHash"],
  };
}

/** Take back the memory of an instance that is used no more. */
export function releaseOpKernel({ memory }: OpKernelInstance): void {
  opModule.takeBack(memory);
}
