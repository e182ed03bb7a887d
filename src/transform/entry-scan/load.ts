import { lazyModule } from "../../bytes/lazy-module.ts";
import { checkLittleEndian } from "../../hash/index.ts";
import { WASM_BASE64 } from "./generated.ts";

/** What the module exports; `assembly/index.ts` says what each does. Places are addresses in its memory. */
export interface EntryScanKernels {
  readonly memory: WebAssembly.Memory;
  start(): void;
  hashPiece(from: number, length: number): void;
  digestWhole(): bigint;
  scan(offset: number, from: number, length: number): number;
  isKnown(): number;
  mayEnd(): number;
  recordCount(): number;
  textBytes(): number;
  takeRecords(): void;
}

/** One instance, and where everything is in its memory. */
export interface EntryScanInstance {
  readonly kernels: EntryScanKernels;
  readonly records: number;
  readonly recordBytes: number;
  readonly texts: number;
  readonly input: number;
  readonly inputBytes: number;
}

const compileEntryScan = lazyModule(WASM_BASE64);

/**
 * Make an instance.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` on a big-endian machine.
 */
export async function instantiateEntryScan(): Promise<EntryScanInstance> {
  checkLittleEndian();
  const { exports } = await WebAssembly.instantiate(await compileEntryScan());
  const place = (name: string): number => Number((exports[name] as WebAssembly.Global).value);
  return {
    kernels: exports as unknown as EntryScanKernels,
    records: place("RECORDS"),
    recordBytes: place("RECORD_BYTES"),
    texts: place("TEXTS"),
    input: place("INPUT"),
    inputBytes: place("INPUT_BYTES"),
  };
}
