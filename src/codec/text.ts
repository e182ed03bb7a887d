import type { Codec } from "./codec.ts";
import {
  createTextDecoder,
  createTextEncoder,
  MAX_TEXT_SEGMENT_BYTES,
  TEXT_CODER_MEMORY_BYTES,
  type TextDecoder,
  type TextEncoder,
} from "./text/index.ts";

/** Context mixing for few literals that are text (`text/FORMAT.md`). Other bytes take more than with lz. */
export const textCodec: Codec = {
  name: "text",
  id: 7,
  needsBasis: false,
  isBlocking: true,
  takesHistory: true,
  maxSegmentBytes: MAX_TEXT_SEGMENT_BYTES,
  isAvailable: () => true,
  decoderMemoryBytes: () => TEXT_CODER_MEMORY_BYTES,
  createEncoder: () => {
    let encoder: Promise<TextEncoder> | undefined;
    const open = (): Promise<TextEncoder> => {
      encoder ??= createTextEncoder();
      return encoder;
    };
    return {
      prime: async (history) => (await open()).prime(history),
      encode: async (raw) => (await open()).encode(raw),
      close: () => void encoder?.then((opened) => opened.close()),
    };
  },
  createDecoder: () => {
    let decoder: Promise<TextDecoder> | undefined;
    const open = (): Promise<TextDecoder> => {
      decoder ??= createTextDecoder();
      return decoder;
    };
    return {
      prime: async (history) => (await open()).prime(history),
      decode: async (coded, into) => (await open()).decodeInto(coded, into),
      close: () => void decoder?.then((opened) => opened.close()),
    };
  },
};
