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

let compiled: Promise<WebAssembly.Module> | undefined;

/** Make an instance whose memory is one page of 64 KiB. */
export async function instantiateOpKernel(): Promise<OpKernelInstance> {
  compiled ??= WebAssembly.compile(
    Uint8Array.from(atob(WASM_BASE64), (character) => character.charCodeAt(0)),
  );
  const { exports } = await WebAssembly.instantiate(await compiled);
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
