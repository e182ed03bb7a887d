/**
 * A coder for residuals: binary context mixing with the basis bytes as context. `FORMAT.md` states the model exactly.
 *
 * A residual is what is added to basis bytes (modulo 256) to give target bytes. Most of it is zero, and the rest is the
 * low bytes of addresses that moved, which depend on the basis: general compressors cannot see that, this coder can. It
 * needs a third of the bytes that xz needs for executables that were linked anew, 60 % for Python bytecode and 80 % where a
 * new compiler changed more than addresses. It knows how ARM's instructions refer to places, too. Encoding and decoding
 * are equally fast, at 15 to 50 MB of residual per second: the more bytes are not zero and not foreseen, the slower.
 *
 * The model is integer arithmetic alone, so the same bytes come out on every machine.
 *
 * @module
 */
import { EMPTY_BYTES } from "../../bytes/index.ts";
import { WasmModule } from "../../bytes/wasm-module.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { type CodePiece, type CoderKernels, WasmCoder } from "../wasm-coder.ts";
import { WASM_BASE64 } from "./generated.ts";

/** The longest segment that can be coded at once, in bytes. */
export const MAX_RESIDUAL_SEGMENT_BYTES = 1_048_576;

/** What one encoder or decoder keeps in memory, in bytes: always the same. */
export const RESIDUAL_CODER_MEMORY_BYTES = 79 * 65_536;

/** Zeros behind the basis: contexts look ahead. */
const LOOK_AHEAD_BYTES = 16;

/**
 * Where the bytes of a segment stand: *spans* of them that are together in basis and target, each as three numbers modulo 2^32: how
 * many bytes, the basis offset of the first, and how many bytes the delta makes before it.
 */
export type ResidualSpans = Uint32Array;

const SPAN_FIELDS = 3;

/** Codes residuals segment by segment; what was learned from a segment helps the next. */
export interface ResidualEncoder {
  /**
   * Code the next segment.
   *
   * @param residual - at most {@link MAX_RESIDUAL_SEGMENT_BYTES} bytes.
   * @param basis - the basis byte of each residual byte.
   * @param spans - all of them; one span at basis offset 0 unless given.
   * @returns the coded bytes: none for an empty segment. Bytes that do not fit the model can become
   * more than they were, so compare with what another codec makes of them.
   * @throws RangeError when the lengths differ or are over the limit, or the spans have another, TypeError after `close`.
   */
  encode(residual: Uint8Array, basis: Uint8Array, spans?: ResidualSpans): Uint8Array;
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
   * @param spans - the same spans as in the encoder.
   * @returns the residual, as long as the basis: bytes of the decoder itself, of use until the next call, `close` included.
   * @throws {@link FormatError} `CORRUPT_BODY` when the coded bytes end early or are not used up. Damage need not be
   * noticed, the result needs a checksum; after an error the decoder is of no more use.
   * @throws RangeError when the basis is over the limit, or the spans have another length, TypeError after `close`.
   */
  decode(coded: Uint8Array, basis: Uint8Array, spans?: ResidualSpans): Uint8Array;
  /** The same, but returns the residual added to the basis, modulo 256: the target's bytes. */
  decodeSum(coded: Uint8Array, basis: Uint8Array, spans?: ResidualSpans): Uint8Array;
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
  startSpans(): void;
  keepHistory(length: number): void;
  addBasis(length: number): void;
}

const mixModule = new WasmModule(WASM_BASE64, RESIDUAL_CODER_MEMORY_BYTES);

/** An instance, and where its areas for basis and residual begin. */
class MixCoder {
  readonly coder: WasmCoder<MixKernels>;
  readonly basisAt: number;
  readonly residualAt: number;

  private constructor(coder: WasmCoder<MixKernels>) {
    this.coder = coder;
    this.basisAt = coder.constant("BASIS");
    this.residualAt = coder.constant("RESIDUAL");
  }

  static async create(): Promise<MixCoder> {
    return new MixCoder(await WasmCoder.instantiate<MixKernels>(mixModule));
  }

  /** Place the basis of a segment, with zeros behind it. */
  placeBasis(basis: Uint8Array): void {
    const { memory } = this.coder;
    memory.set(basis, this.basisAt);
    memory.fill(0, this.basisAt + basis.length, this.basisAt + basis.length + LOOK_AHEAD_BYTES);
  }

  /** The coding of a segment of `length` bytes that stand in `spans`. */
  pieceCoder(length: number, spans: ResidualSpans = Uint32Array.of(length, 0, 0)): CodePiece {
    const { kernels } = this.coder;
    const loader = new SpanLoader(this.coder, spans, length);
    return (from, to) => kernels.codeResidual(from, loader.load(from, to), length);
  }
}

/** Hands the spans of a segment to an instance, as many as it takes at a time. */
class SpanLoader {
  readonly #kernels: MixKernels;
  readonly #view: DataView;
  readonly #maxSpans: number;
  readonly #overrun: number;
  readonly #spans: ResidualSpans;
  readonly #length: number;
  /** The first span that is not done, and where it begins in the segment. */
  #first = 0;
  #start = 0;

  constructor(coder: WasmCoder<MixKernels>, spans: ResidualSpans, length: number) {
    let spanned = 0;
    for (let at = 0; at < spans.length; at += SPAN_FIELDS) spanned += spans[at]!;
    if (spanned !== length) throw new RangeError(`expected spans of ${length} bytes in all, got ${spanned}`);
    this.#kernels = coder.kernels;
    this.#maxSpans = coder.constant("MAX_SPANS");
    this.#overrun = coder.constant("MAX_OVERRUN_BYTES");
    this.#view = new DataView(coder.memory.buffer, coder.constant("SPANS"));
    this.#spans = spans;
    this.#length = length;
  }

  /** Place the spans from `from` on; returns how far the bytes can be coded with them, `to` if that is possible. */
  load(from: number, to: number): number {
    const spans = this.#spans;
    while (this.#start + spans[this.#first]! <= from) {
      this.#start += spans[this.#first]!;
      this.#first += SPAN_FIELDS;
    }
    const wanted = Math.min(this.#length, to + this.#overrun);
    let start = this.#start;
    for (let count = 0; count < this.#maxSpans && start < wanted; count++) {
      const at = this.#first + SPAN_FIELDS * count;
      const [bytes, basisOffset, made] = [spans[at]!, spans[at + 1]!, spans[at + 2]!];
      const place = 4 * SPAN_FIELDS * count;
      this.#view.setUint32(place, start + bytes, true);
      this.#view.setUint32(place + 4, basisOffset - start, true);
      this.#view.setUint32(place + 8, made - basisOffset, true);
      start += bytes;
    }
    this.#kernels.startSpans();
    return start < wanted ? start - this.#overrun : to;
  }
}

/** Make an encoder with a fresh model. */
export async function createResidualEncoder(): Promise<ResidualEncoder> {
  const mix = await MixCoder.create();
  const { coder } = mix;
  return {
    encode(residual, basis, spans) {
      checkSegment(residual.length, basis.length);
      if (residual.length === 0) return EMPTY_BYTES;
      mix.placeBasis(basis);
      coder.memory.set(residual, mix.residualAt);
      const { kernels } = coder;
      const coded = coder.encodeSegment(residual.length, mix.pieceCoder(residual.length, spans));
      kernels.keepHistory(residual.length);
      return coded;
    },
    close: () => coder.close(),
  };
}

/** Make a decoder with a fresh model. */
export async function createResidualDecoder(): Promise<ResidualDecoder> {
  const mix = await MixCoder.create();
  const { coder } = mix;
  const decoder: ResidualDecoder = {
    decode(coded, basis, spans) {
      checkSegment(basis.length, basis.length);
      if (basis.length === 0) {
        if (coded.length === 0) return EMPTY_BYTES;
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `expected no coded bytes of an empty residual, found ${coded.length}`,
        );
      }
      mix.placeBasis(basis);
      const { kernels } = coder;
      coder.decodeSegment(coded, basis.length, mix.pieceCoder(basis.length, spans), "a residual");
      kernels.keepHistory(basis.length);
      return coder.memory.subarray(mix.residualAt, mix.residualAt + basis.length);
    },
    decodeSum(coded, basis, spans) {
      const residual = decoder.decode(coded, basis, spans);
      coder.kernels.addBasis(residual.length);
      return residual;
    },
    close: () => coder.close(),
  };
  return decoder;
}
