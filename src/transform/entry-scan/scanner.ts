import { ByteWriter } from "../../bytes/index.ts";
import { type EntryScanInstance, instantiateEntryScan } from "./load.ts";
import type { ScannedTar } from "./records.ts";

/** Room for what is found of a thousand entries. */
const FIRST_BYTES = 1 << 16;

/**
 * Finds the entries of a tar while its bytes pass, and hashes their contents and headers: what `scanFlatImage` does entry by entry,
 * in WASM, for headers of the form that flat images have. Ten thousand of them are parsed before V8 has compiled what parses them.
 *
 * For one source at a time, whose pieces come in order.
 */
export class EntryScanner {
  /** Where a piece is put before it is taken in. */
  readonly piece: Uint8Array;
  readonly #instance: EntryScanInstance;
  readonly #records = new ByteWriter(FIRST_BYTES);
  readonly #texts = new ByteWriter(FIRST_BYTES);

  private constructor(instance: EntryScanInstance) {
    const { kernels, input, inputBytes } = instance;
    this.#instance = instance;
    kernels.start();
    this.piece = new Uint8Array(kernels.memory.buffer, input, inputBytes);
  }

  static async create(): Promise<EntryScanner> {
    return new EntryScanner(await instantiateEntryScan());
  }

  /** Take the first `length` bytes of the piece into the hash of all that passes. */
  hashPiece(length: number): void {
    const { kernels, input } = this.#instance;
    kernels.hashPiece(input, length);
  }

  /** XXH64 (seed 0) of all that {@link hashPiece} took in. */
  digest(): bigint {
    return BigInt.asUintN(64, this.#instance.kernels.digestWhole());
  }

  /**
   * Look for entries in a part of the piece.
   *
   * @param offset - where in the source the part begins. Parts follow each other, and all but the last are whole blocks of the tar.
   */
  scan(offset: number, from: number, length: number): void {
    const { kernels, input } = this.#instance;
    for (let done = 0; done < length && kernels.isKnown() !== 0; ) {
      done += kernels.scan(offset + done, input + from + done, length - done);
      this.#takeRecords();
    }
  }

  #takeRecords(): void {
    const { kernels, records, recordBytes, texts } = this.#instance;
    const { buffer } = kernels.memory;
    this.#records.bytes(new Uint8Array(buffer, records, kernels.recordCount() * recordBytes));
    this.#texts.bytes(new Uint8Array(buffer, texts, kernels.textBytes()));
    kernels.takeRecords();
  }

  /** All entries, once the tar has ended; nothing where it is none, is cut off, or has headers that only a tar reader knows. */
  finish(): ScannedTar | undefined {
    const { kernels } = this.#instance;
    if (kernels.isKnown() === 0 || kernels.mayEnd() === 0) return undefined;
    return { records: this.#records.view().slice(), texts: this.#texts.view().slice() };
  }
}
