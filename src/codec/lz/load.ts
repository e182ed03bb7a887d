import { WASM_PAGE_BYTES, WasmModule } from "../../bytes/wasm-module.ts";
import { WASM_BASE64 } from "./generated.ts";

/** What the module exports. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  prepareDecoder(windowBits: number): void;
  prepareEncoder(windowBits: number, hashBits: number, depth: number, nice: number, optimal: number): number;
  prepareFinder(windowBits: number, hashBits: number, depth: number, nice: number): number;
  prepareParser(windowBits: number, depth: number, nice: number, optimal: number): number;
  /** Find the matches of some places up to `to`; returns how many bytes their records have. */
  findChunk(to: number): number;
  getFoundPlace(): number;
  startFinding(from: number): void;
  startReading(from: number): void;
  /** Where the next records are to be put. */
  makeFoundRoom(): number;
  addFound(bytes: number, to: number): void;
  moveBuffer(base: number, windowBits: number): void;
  primePiece(end: number): void;
  /** In a decoder: pass bytes that were put into the window. */
  passStored(bytes: number): void;
  /** In an encoder: keep what is known before a segment. */
  keepModel(): void;
  /** In an encoder: the segment since {@link keepModel} is stored as it is. */
  passCodedAsStored(): void;
  startCoder(decode: number): void;
  setCodedPosition(position: number): void;
  finishCoder(): void;
  endByte(): number;
  getCodedPosition(): number;
  /** 0: done; 1: the coded bytes must be emptied first; 2: more matches must be given first. */
  codePiece(end: number): number;
  /** 0: done; 1: coded bytes must be filled in first; 2: the segment is damaged. */
  decodePiece(end: number): number;
}

/** One instance of the coder, not yet prepared as an encoder or a decoder. */
export interface LzInstance {
  readonly kernels: Kernels;
  /** Where the area for coded bytes begins, and its size. */
  readonly coded: number;
  readonly codedBytes: number;
  /** Where the model ends: a decoder's window begins there. */
  readonly modelEnd: number;
  /** Where the records of matches stand that a finder found. */
  readonly found: number;
}

/** The model and the area for coded bytes, in bytes. */
export const LZ_MODEL_BYTES = 36 * WASM_PAGE_BYTES;

const lzModule = new WasmModule(WASM_BASE64, LZ_MODEL_BYTES);

/** Make an instance whose model knows nothing yet. All that is copied in and out is bytes, so any byte order will do. */
export async function instantiateLz(): Promise<LzInstance> {
  const exports = await lzModule.instantiate();
  const constant = (name: string): number => (exports[name] as WebAssembly.Global).value as number;
  return {
    kernels: exports as unknown as Kernels,
    coded: constant("CODED"),
    codedBytes: constant("CODED_BYTES"),
    modelEnd: constant("MODEL_END"),
    found: constant("FOUND"),
  };
}

/** Take back the memory of an instance that is used no more. */
export function releaseLz({ kernels }: LzInstance): void {
  lzModule.takeBack(kernels.memory);
}
