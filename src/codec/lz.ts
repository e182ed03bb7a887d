import { ErrorCode, FormatError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import {
  createLzDecoder,
  createLzEncoder,
  createLzFinder,
  createLzParser,
  type LzDecoder,
  type LzEncoder,
  lzDecoderMemoryBytes,
  MAX_LZ_WINDOW_BITS,
  MIN_LZ_WINDOW_BITS,
} from "./lz/index.ts";

/** The largest window that a decoder of so much memory has. */
function windowBitsWithin(memoryBytes: number): number {
  const least = lzDecoderMemoryBytes(MIN_LZ_WINDOW_BITS);
  if (memoryBytes < least) {
    throw new FormatError(
      ErrorCode.CORRUPT_HEADER,
      `expected at least ${least} bytes for a decoder of codec lz, found ${memoryBytes}`,
    );
  }
  let bits = MIN_LZ_WINDOW_BITS;
  while (bits < MAX_LZ_WINDOW_BITS && lzDecoderMemoryBytes(bits + 1) <= memoryBytes) bits++;
  return bits;
}

/** Matches and context mixing (`lz/FORMAT.md`), for bytes of any kind. */
export const lzCodec: Codec = {
  name: "lz",
  id: 5,
  needsBasis: false,
  isBlocking: true,
  takesHistory: true,
  isAvailable: () => true,
  decoderMemoryBytes: lzDecoderMemoryBytes,
  createEncoder: (settings) => {
    let encoder: Promise<LzEncoder> | undefined;
    const open = (): Promise<LzEncoder> => {
      encoder ??= createLzEncoder(settings);
      return encoder;
    };
    return {
      prime: async (history) => (await open()).prime(history),
      encode: async (raw) => (await open()).encode(raw),
      close: () => void encoder?.then((opened) => opened.close()),
    };
  },
  stages: {
    createFinder: (settings) => {
      const finder = createLzFinder(settings);
      return {
        prime: async (history) => (await finder).prime(history),
        find: async (raw) => (await finder).find(raw),
      };
    },
    createParser: (settings) => {
      const parser = createLzParser(settings);
      return {
        prime: async (history) => (await parser).prime(history),
        encode: async (raw, found) => (await parser).encode(raw, found),
      };
    },
  },
  createDecoder: (memoryBytes = lzDecoderMemoryBytes(MAX_LZ_WINDOW_BITS)) => {
    const windowBits = windowBitsWithin(memoryBytes);
    let decoder: Promise<LzDecoder> | undefined;
    const open = (): Promise<LzDecoder> => {
      decoder ??= createLzDecoder(windowBits);
      return decoder;
    };
    return {
      prime: async (history) => (await open()).prime(history),
      decode: async (coded, into) => (await open()).decodeInto(coded, into),
      close: () => void decoder?.then((opened) => opened.close()),
    };
  },
};
