import { WASM_BASE64 } from "./generated.ts";

interface Kernels {
  readonly memory: WebAssembly.Memory;
  prepareModel(): void;
  startCoder(decode: number): void;
  finishCoder(): void;
  setCodedPosition(position: number): void;
  getCodedPosition(): number;
  codeResidual(from: number, to: number): void;
  keepHistory(length: number): void;
}

/** One instance of the coder: a model in a fixed memory of its own. */
export interface MixInstance {
  readonly kernels: Kernels;
  /** The whole memory. */
  readonly memory: Uint8Array;
  /** Where the areas for a segment's basis, its residual and its coded bytes begin. */
  readonly basis: number;
  readonly residual: number;
  readonly coded: number;
  /** Sizes of the areas, and what one call of `codeResidual` may work on at most. */
  readonly maxSegmentBytes: number;
  readonly maxCodedBytes: number;
  readonly pieceBytes: number;
}

let compiled: Promise<WebAssembly.Module> | undefined;

function compileMix(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(Uint8Array.from(atob(WASM_BASE64), (character) => character.charCodeAt(0)));
}

/** Make an instance whose model knows nothing yet. All that is copied in and out is bytes, so any byte order will do. */
export async function instantiateMix(): Promise<MixInstance> {
  compiled ??= compileMix();
  const { exports } = await WebAssembly.instantiate(await compiled);
  const kernels = exports as unknown as Kernels;
  const constant = (name: string): number => (exports[name] as WebAssembly.Global).value as number;
  kernels.prepareModel();
  return {
    kernels,
    memory: new Uint8Array(kernels.memory.buffer),
    basis: constant("BASIS"),
    residual: constant("RESIDUAL"),
    coded: constant("CODED"),
    maxSegmentBytes: constant("MAX_SEGMENT_BYTES"),
    maxCodedBytes: constant("MAX_CODED_BYTES"),
    pieceBytes: constant("PIECE_BYTES"),
  };
}
