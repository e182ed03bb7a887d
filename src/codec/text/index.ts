/**
 * A coder for literals that are few and text: context mixing over the bytes before, the word and the last match. `FORMAT.md`
 * states the model exactly.
 *
 * An update of an application brings some hundred to some ten thousand bytes of new source text. Behind what stands around
 * them in the basis this coder needs 9 to 20 % fewer bytes for them than codec lz; machine code takes more. It makes 2.5 to 3 MB
 * a second, and learning from history takes as long as coding.
 *
 * The model is integer arithmetic alone, so the same bytes come out on every machine.
 *
 * @module
 */
import { EMPTY_BYTES } from "../../bytes/index.ts";
import { WasmModule } from "../../bytes/wasm-module.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { type CoderKernels, WasmCoder } from "../wasm-coder.ts";
import { WASM_BASE64 } from "./generated.ts";

/** The longest segment that can be coded at once, and the most history, in bytes. */
export const MAX_TEXT_SEGMENT_BYTES = 1_048_576;

/** What one encoder or decoder keeps in memory, in bytes: always the same. */
export const TEXT_CODER_MEMORY_BYTES = 191 * 65_536;

interface TextKernels extends CoderKernels {
  codeBytes(from: number, to: number): number;
}

const textModule = new WasmModule(WASM_BASE64, TEXT_CODER_MEMORY_BYTES);

/** An instance with its raw bytes; what a coder is before its first segment. */
class TextCoder {
  readonly #coder: WasmCoder<TextKernels>;
  readonly #rawAt: number;
  #hasBegun = false;

  private constructor(coder: WasmCoder<TextKernels>) {
    this.#coder = coder;
    this.#rawAt = coder.constant("RAW");
  }

  static async create(): Promise<TextCoder> {
    return new TextCoder(await WasmCoder.instantiate<TextKernels>(textModule));
  }

  /** History is coded as a segment is, and what it is coded in is thrown away. */
  prime(history: Uint8Array): void {
    if (this.#hasBegun)
      throw new TypeError("expected the history before the first segment, got it behind one");
    if (history.length > MAX_TEXT_SEGMENT_BYTES) {
      throw new RangeError(
        `expected at most ${MAX_TEXT_SEGMENT_BYTES} bytes of history, got ${history.length}`,
      );
    }
    if (history.length > 0) this.encode(history);
  }

  encode(raw: Uint8Array): Uint8Array {
    this.#hasBegun = true;
    this.#coder.memory.set(raw, this.#rawAt);
    return this.#coder.encodeSegment(raw.length, (from, to) => this.#coder.kernels.codeBytes(from, to));
  }

  decodeInto(coded: Uint8Array, into: Uint8Array): void {
    this.#hasBegun = true;
    const { kernels, memory } = this.#coder;
    this.#coder.decodeSegment(coded, into.length, (from, to) => kernels.codeBytes(from, to), "literals");
    into.set(memory.subarray(this.#rawAt, this.#rawAt + into.length));
  }

  close(): void {
    this.#coder.close();
  }
}

/** Codes literals; what was learned from a segment helps the next. */
export interface TextEncoder {
  /**
   * Before the first segment, once: learn from bytes that the decoder will be given too.
   *
   * @throws RangeError when there are more than {@link MAX_TEXT_SEGMENT_BYTES}.
   * @throws TypeError behind the first segment.
   */
  prime(history: Uint8Array): void;
  /**
   * Code the next segment.
   *
   * @param raw - at most {@link MAX_TEXT_SEGMENT_BYTES} bytes.
   * @returns the coded bytes: none for an empty segment.
   * @throws RangeError when it is over the limit, TypeError after `close`.
   */
  encode(raw: Uint8Array): Uint8Array;
  /** Release the memory. */
  close(): void;
}

/** The other side of {@link TextEncoder}: takes the segments in the order in which they were coded, each once. */
export interface TextDecoder {
  /** As in the encoder, with the same bytes. */
  prime(history: Uint8Array): void;
  /**
   * Decode the next segment so that it fills `into`.
   *
   * @param coded - all coded bytes of the segment.
   * @throws {@link FormatError} `CORRUPT_BODY` when the coded bytes end early, are not used up, or give another length.
   * Damage need not be noticed; after an error the decoder is of no more use.
   * @throws TypeError after `close`.
   */
  decodeInto(coded: Uint8Array, into: Uint8Array): void;
  /** Release the memory. */
  close(): void;
}

/** Make an encoder with a fresh model. */
export async function createTextEncoder(): Promise<TextEncoder> {
  const coder = await TextCoder.create();
  return {
    prime: (history) => coder.prime(history),
    encode(raw) {
      if (raw.length > MAX_TEXT_SEGMENT_BYTES) {
        throw new RangeError(
          `expected a segment of at most ${MAX_TEXT_SEGMENT_BYTES} bytes, got ${raw.length}; split it`,
        );
      }
      return raw.length === 0 ? EMPTY_BYTES : coder.encode(raw);
    },
    close: () => coder.close(),
  };
}

/** Make a decoder with a fresh model. */
export async function createTextDecoder(): Promise<TextDecoder> {
  const coder = await TextCoder.create();
  return {
    prime: (history) => coder.prime(history),
    decodeInto(coded, into) {
      if (into.length > MAX_TEXT_SEGMENT_BYTES || (into.length === 0 && coded.length > 0)) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `expected at most ${MAX_TEXT_SEGMENT_BYTES} literals, found ${into.length}, coded in ${coded.length} bytes`,
        );
      }
      if (into.length > 0) coder.decodeInto(coded, into);
    },
    close: () => coder.close(),
  };
}
