import { ErrorCode, FormatError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import {
  createResidualDecoder,
  createResidualEncoder,
  MAX_RESIDUAL_SEGMENT_BYTES,
  RESIDUAL_CODER_MEMORY_BYTES,
  type ResidualDecoder,
  type ResidualEncoder,
} from "./mix/index.ts";

/** The basis bytes, which a caller of a codec that needs them must give. */
function requireBasis(basis: Uint8Array | undefined): Uint8Array {
  if (basis === undefined)
    throw new TypeError("codec mix: expected the basis bytes of the residual, got none");
  return basis;
}

function unfit(basisBytes: number, residualBytes: number): FormatError {
  return new FormatError(
    ErrorCode.CORRUPT_BODY,
    `expected a residual segment of ${basisBytes} bytes, at most ${MAX_RESIDUAL_SEGMENT_BYTES}, found ${residualBytes}`,
  );
}

/** Context mixing with the basis bytes as context (`mix/FORMAT.md`), for residuals alone. */
export const mixCodec: Codec = {
  name: "mix",
  id: 4,
  needsBasis: true,
  isBlocking: true,
  maxSegmentBytes: MAX_RESIDUAL_SEGMENT_BYTES,
  isAvailable: () => true,
  decoderMemoryBytes: () => RESIDUAL_CODER_MEMORY_BYTES,
  createEncoder: () => {
    let encoder: Promise<ResidualEncoder> | undefined;
    return {
      encode: async (raw, basis, spans) => {
        encoder ??= createResidualEncoder();
        return (await encoder).encode(raw, requireBasis(basis), spans);
      },
      close: () => void encoder?.then((opened) => opened.close()),
    };
  },
  createDecoder: () => {
    let decoder: Promise<ResidualDecoder> | undefined;
    const open = (): Promise<ResidualDecoder> => {
      decoder ??= createResidualDecoder();
      return decoder;
    };
    return {
      decode: async (coded, into, basis, spans) => {
        const given = requireBasis(basis);
        if (given.length !== into.length || into.length > MAX_RESIDUAL_SEGMENT_BYTES) {
          throw unfit(given.length, into.length);
        }
        into.set((await open()).decode(coded, given, spans));
      },
      addTo: async (coded, bytes, spans) => {
        if (bytes.length > MAX_RESIDUAL_SEGMENT_BYTES) throw unfit(bytes.length, bytes.length);
        bytes.set((await open()).decodeSum(coded, bytes, spans));
      },
      close: () => void decoder?.then((opened) => opened.close()),
    };
  },
};
