/**
 * A coder for residuals: binary context mixing with the basis bytes as context. `FORMAT.md` states the model exactly.
 *
 * A residual is what is added to basis bytes (modulo 256) to give target bytes. Most of it is zero, and the rest is the
 * low bytes of addresses that moved, which depend on the basis: general compressors cannot see that, this coder can. It
 * needs a third of the bytes that xz needs for executables that were linked anew, 60 % for Python bytecode and 80 % where a
 * new compiler changed more than addresses. Encoding and decoding are equally fast, at 5 to 9 MB of residual per second: the
 * more bytes are not zero, the slower.
 *
 * The model is integer arithmetic alone, so the same bytes come out on every machine.
 *
 * @module
 */
import { concatBytes, EMPTY_BYTES } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { instantiateMix, type MixInstance } from "./load.ts";

/** The longest segment that can be coded at once, in bytes. */
export const MAX_RESIDUAL_SEGMENT_BYTES = 1_048_576;

/** What one encoder or decoder keeps in memory, in bytes: always the same. */
export const RESIDUAL_CODER_MEMORY_BYTES = 157 * 65_536;

/** Zeros behind the basis: contexts look ahead. */
const LOOK_AHEAD_BYTES = 16;

/** Codes residuals segment by segment; what was learned from a segment helps the next. */
export interface ResidualEncoder {
  /**
   * Code the next segment.
   *
   * @param residual - at most {@link MAX_RESIDUAL_SEGMENT_BYTES} bytes.
   * @param basis - the basis byte of each residual byte.
   * @returns the coded bytes: none for an empty segment, else at least 4. Bytes that do not fit the model can become
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
   * @returns the residual, as long as the basis.
   * @throws {@link FormatError} `CORRUPT_BODY` when the coded bytes end early or are not used up. Damage need not be
   * noticed, the result needs a checksum; after an error the decoder is of no more use.
   * @throws RangeError when the basis is over the limit, TypeError after `close`.
   */
  decode(coded: Uint8Array, basis: Uint8Array): Uint8Array;
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

/** Gives the instance until it is closed. */
class Holder {
  #instance: MixInstance | undefined;

  constructor(instance: MixInstance) {
    this.#instance = instance;
  }

  get(): MixInstance {
    if (this.#instance === undefined)
      throw new TypeError("expected an open residual coder, this one is closed");
    return this.#instance;
  }

  close(): void {
    this.#instance = undefined;
  }
}

function placeBasis({ memory, basis: at }: MixInstance, basis: Uint8Array): void {
  memory.set(basis, at);
  memory.fill(0, at + basis.length, at + basis.length + LOOK_AHEAD_BYTES);
}

/** Make an encoder with a fresh model. */
export async function createResidualEncoder(): Promise<ResidualEncoder> {
  const holder = new Holder(await instantiateMix());
  return {
    encode(residual, basis) {
      const instance = holder.get();
      checkSegment(residual.length, basis.length);
      if (residual.length === 0) return EMPTY_BYTES;
      const { kernels, memory, coded, pieceBytes } = instance;
      placeBasis(instance, basis);
      memory.set(residual, instance.residual);
      kernels.startCoder(0);
      const parts: Uint8Array[] = [];
      for (let from = 0; from < residual.length; from += pieceBytes) {
        const to = Math.min(residual.length, from + pieceBytes);
        kernels.setCodedPosition(0);
        kernels.codeResidual(from, to);
        if (to === residual.length) kernels.finishCoder();
        parts.push(memory.slice(coded, coded + kernels.getCodedPosition()));
      }
      kernels.keepHistory(residual.length);
      return concatBytes(parts);
    },
    close: () => holder.close(),
  };
}

/** Make a decoder with a fresh model. */
export async function createResidualDecoder(): Promise<ResidualDecoder> {
  const holder = new Holder(await instantiateMix());
  return {
    decode(coded, basis) {
      const instance = holder.get();
      checkSegment(basis.length, basis.length);
      if (basis.length === 0) {
        if (coded.length > 0) throw leftOver(0, coded.length);
        return EMPTY_BYTES;
      }
      const { kernels, memory, residual, pieceBytes, maxCodedBytes } = instance;
      placeBasis(instance, basis);
      // The coded bytes that are in place, and how many of all were used before them.
      let used = 0;
      const fill = (): void => {
        const part = coded.subarray(used, used + maxCodedBytes);
        memory.set(part, instance.coded);
        // A damaged segment may be read past its end; what is read there must not depend on what was there before.
        memory.fill(0, instance.coded + part.length, instance.coded + maxCodedBytes);
      };
      fill();
      kernels.startCoder(1);
      for (let from = 0; from < basis.length; from += pieceBytes) {
        if (from > 0) {
          fill();
          kernels.setCodedPosition(0);
        }
        kernels.codeResidual(from, Math.min(basis.length, from + pieceBytes));
        used += kernels.getCodedPosition();
        if (used > coded.length) {
          throw new FormatError(
            ErrorCode.CORRUPT_BODY,
            `expected more coded bytes of a residual, found the end after ${coded.length}: it is cut off or damaged`,
          );
        }
      }
      if (used < coded.length) throw leftOver(used, coded.length);
      kernels.keepHistory(basis.length);
      return memory.slice(residual, residual + basis.length);
    },
    close: () => holder.close(),
  };
}

function leftOver(used: number, found: number): FormatError {
  return new FormatError(
    ErrorCode.CORRUPT_BODY,
    `expected ${used} coded bytes of a residual, found ${found}: it is damaged, or the basis is another`,
  );
}
