import { ErrorCode, FormatError } from "../errors.ts";
import type { Codec } from "./codec.ts";

/** Bytes as they are. */
export const noneCodec: Codec = {
  name: "none",
  id: 0,
  needsBasis: false,
  isAvailable: () => true,
  decoderMemoryBytes: () => 0,
  createEncoder: () => ({ encode: async (raw) => raw.slice(), close: () => {} }),
  createDecoder: () => ({
    decode: async (coded, rawBytes) => {
      if (coded.length !== rawBytes) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `expected a segment of ${rawBytes} bytes, found ${coded.length}`,
        );
      }
      return coded;
    },
    close: () => {},
  }),
};
