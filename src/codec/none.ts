import { ErrorCode, FormatError } from "../errors.ts";
import type { Codec } from "./codec.ts";

/** Bytes as they are. */
export const noneCodec: Codec = {
  name: "none",
  id: 0,
  needsBasis: false,
  isBlocking: false,
  isAvailable: () => true,
  decoderMemoryBytes: () => 0,
  createEncoder: () => ({ encode: async (raw) => raw.slice(), close: () => {} }),
  createDecoder: () => ({
    decode: async (coded, into) => {
      if (coded.length !== into.length) {
        throw new FormatError(
          ErrorCode.CORRUPT_BODY,
          `expected a segment of ${into.length} bytes, found ${coded.length}`,
        );
      }
      into.set(coded);
    },
    close: () => {},
  }),
};
