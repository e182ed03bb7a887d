/**
 * A coder for residuals: binary context mixing with the basis bytes as context. `FORMAT.md` states the model exactly.
 *
 * A residual is what is added to basis bytes (modulo 256) to give target bytes. Most of it is zero, and the rest is the
 * low bytes of addresses that moved, which depend on the basis: general compressors cannot see that, this coder can. It
 * needs a third of the bytes that xz needs for executables that were linked anew, 60 % for Python bytecode and 80 % where a
 * new compiler changed more than addresses. Encoding and decoding are equally fast, at 10 to 35 MB of residual per second: the
 * more bytes are not zero and not foreseen, the slower.
 *
 * The model is integer arithmetic alone, so the same bytes come out on every machine.
 *
 * @module
 */
import { EMPTY_BYTES } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { type CoderKernels, lazyModule, WasmCoder } from "../wasm-coder.ts";
import { WASM_BASE64 } from "./generated.ts";

/** The longest segment that can be coded at once, in bytes. */
export const MAX_RESIDUAL_SEGMENT_BYTES = 1_048_576;

/** What one encoder or decoder keeps in memory, in bytes: always the same. */
export const RESIDUAL_CODER_MEMORY_BYTES = 119 * 65_536;

/** Zeros behind the basis: contexts look ahead. */
const LOOK_AHEAD_BYTES = 16;

/** Codes residuals segment by segment; what was learned from a segment helps the next. */
export interface ResidualEncoder {
  /**
   * Code the next segment.
   *
   * @param residual - at most {@link MAX_RESIDUAL_SEGMENT_BYTES} bytes.
   * @param basis - the basis byte of each residual byte.
   * @returns the coded bytes: none for an empty segment. Bytes that do not fit the model can become
   * more than they were, so compare with what another codec makes of them.
   * @throws RangeError when the lengths differ or are over the limit, TypeError after `close`.
   */
  encode(residual: Uint8Array, basis: Uint8Array): Uint8Array;
  /** Release the memory. */
  close(): void;
}

/** The other side of {@link ResidualEncoder}: takes the segments in the order in which they were coded, each once. */
export interface ResidualDecoder {
  /**
   * Decode the next segment.
   *
   * @param coded - all coded bytes of the segment.
   * @param basis - the same basis bytes as in the encoder, at most {@link MAX_RESIDUAL_SEGMENT_BYTES}.
   * @returns the residual, as long as the basis: bytes of the decoder itself, which the next call overwrites.
   * @throws {@link FormatError} `CORRUPT_BODY` when the coded bytes end early or are not used up. Damage need not be
   * noticed, the result needs a checksum; after an error the decoder is of no more use.
   * @throws RangeError when the basis is over the limit, TypeError after `close`.
   */
  decode(coded: Uint8Array, basis: Uint8Array): Uint8Array;
  /** The same, but returns the residual added to the basis, modulo 256: the target's bytes. */
  decodeSum(coded: Uint8Array, basis: Uint8Array): Uint8Array;
  /** Release the memory. */
  close(): void;
}

function checkSegment(residualBytes: number, basisBytes: number): void {
  if (residualBytes !== basisBytes) {
    throw new RangeError(
      `expected as many basis bytes as residual bytes, ${residualBytes}, got ${basisBytes}`,
    );
  }
  if (basisBytes > MAX_RESIDUAL_SEGMENT_BYTES) {
    throw new RangeError(
      `expected a segment of at most ${MAX_RESIDUAL_SEGMENT_BYTES} bytes, got ${basisBytes}; split it`,
    );
  }
}

interface MixKernels extends CoderKernels {
  codeResidual(from: number, to: number, end: number): number;
  keepHistory(length: number): void;
  addBasis(length: number): void;
}

const compileMix = lazyModule(WASM_BASE64);

/** An instance until it is closed, and where its areas for basis and residual begin. */
class Holder {
  readonly basisAt: number;
  readonly residualAt: number;
  #coder: WasmCoder<MixKernels> | undefined;

  private constructor(coder: WasmCoder<MixKernels>) {
    this.#coder = coder;
    this.basisAt = coder.constant("BASIS");
    this.residualAt = coder.constant("RESIDUAL");
  }

  static async open(): Promise<Holder> {
    return new Holder(await WasmCoder.instantiate<MixKernels>(await compileMix()));
  }

  get(): WasmCoder<MixKernels> {
    if (this.#coder === undefined) throw new TypeError("expected an open residual coder, this one is closed");
    return this.#coder;
  }

  /** Place the basis of a segment, with zeros behind it. */
  placeBasis(basis: Uint8Array): void {
    const { memory } = this.get();
    memory.set(basis, this.basisAt);
    memory.fill(0, this.basisAt + basis.length, this.basisAt + basis.length + LOOK_AHEAD_BYTES);
  }

  close(): void {
    this.#coder = undefined;
  }
}

/** Make an encoder with a fresh model. */
export async function createResidualEncoder(): Promise<ResidualEncoder> {
  const holder = await Holder.open();
  return {
    encode(residual, basis) {
      const coder = holder.get();
      checkSegment(residual.length, basis.length);
      if (residual.length === 0) return EMPTY_BYTES;
      holder.placeBasis(basis);
      coder.memory.set(residual, holder.residualAt);
      const { kernels } = coder;
      const coded = coder.encodeSegment(residual.length, (from, to) =>
        kernels.codeResidual(from, to, residual.length),
      );
      kernels.keepHistory(residual.length);
      return coded;
    },
    close: () => holder.close(),
  };
}

/** Make a decoder with a fresh model. */
export async function createResidualDecoder(): Promise<ResidualDecoder> {
  const holder = await Holder.open();
  const decoder: ResidualDecoder = {
    decode(coded, basis) {
      const coder = holder.get();
      checkSegment(basis.length, basis.length);
      if (basis.length === 0) {
        if (coded.length === 0) return EMPTY_BYTES;
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `expected no coded bytes of an empty residual, found ${coded.length}`,
        );
      }
      holder.placeBasis(basis);
      const { kernels } = coder;
      coder.decodeSegment(
        coded,
        basis.length,
        (from, to) => kernels.codeResidual(from, to, basis.length),
        "a residual",
      );
      kernels.keepHistory(basis.length);
      return coder.memory.subarray(holder.residualAt, holder.residualAt + basis.length);
    },
    decodeSum(coded, basis) {
      const residual = decoder.decode(coded, basis);
      holder.get().kernels.addBasis(residual.length);
      return residual;
    },
    close: () => holder.close(),
  };
  return decoder;
}
