import { EMPTY_BYTES } from "../bytes/index.ts";
import { ErrorCode, FormatError } from "../errors.ts";
import type { Codec } from "./codec.ts";

let fflate: Promise<typeof import("fflate")> | undefined;

/** Loaded when first needed: 20 ms that most runs of the command line would spend for nothing. */
function loadFflate(): Promise<typeof import("fflate")> {
  fflate ??= import("fflate");
  return fflate;
}

// Deflate refers 32 KiB back at most (RFC 1951, section 2).
const DICTIONARY_BYTES = 1 << 15;

/** The last 32 KiB of what came before, which the next segment may refer to. */
function nextDictionary(dictionary: Uint8Array, raw: Uint8Array): Uint8Array {
  if (raw.length >= DICTIONARY_BYTES) return raw.slice(-DICTIONARY_BYTES);
  const kept = dictionary.subarray(Math.max(0, dictionary.length + raw.length - DICTIONARY_BYTES));
  const next = new Uint8Array(kept.length + raw.length);
  next.set(kept);
  next.set(raw, kept.length);
  return next;
}

/** Whether a deflate stream begins with a stored block (RFC 1951, section 3.2.3). */
const isStored = (coded: Uint8Array): boolean => (coded[0]! & 0b110) === 0;

const withDictionary = (dictionary: Uint8Array): { dictionary?: Uint8Array } =>
  dictionary.length > 0 ? { dictionary } : {};

/**
 * Raw deflate (RFC 1951) by fflate: available in every runtime, with the same bytes out in all of them. Each segment is
 * a complete deflate stream with the bytes before it as preset dictionary, which needs no flush marker.
 */
export const deflateCodec: Codec = {
  name: "deflate",
  id: 1,
  needsBasis: false,
  isBlocking: true,
  isAvailable: () => true,
  decoderMemoryBytes: () => 2 * DICTIONARY_BYTES,
  createEncoder: ({ effort }) => {
    let dictionary = EMPTY_BYTES;
    return {
      encode: async (raw) => {
        const level = Math.min(9, Math.max(1, effort)) as 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
        const { deflateSync } = await loadFflate();
        let coded = deflateSync(raw, { level, ...withDictionary(dictionary) });
        // fflate 0.8.3 begins a stored first block with the dictionary itself; without one the block is right.
        if (isStored(coded)) coded = deflateSync(raw, { level });
        dictionary = nextDictionary(dictionary, raw);
        return coded;
      },
      close: () => {},
    };
  },
  createDecoder: () => {
    let dictionary = EMPTY_BYTES;
    return {
      decode: async (coded, into) => {
        const { inflateSync } = await loadFflate();
        let raw: Uint8Array;
        try {
          // One byte more than expected, since fflate ends quietly when `out` is full.
          raw = inflateSync(coded, { out: new Uint8Array(into.length + 1), ...withDictionary(dictionary) });
        } catch (cause) {
          throw new FormatError(ErrorCode.CORRUPT_BODY, "a deflate segment is damaged", { cause });
        }
        if (raw.length !== into.length) {
          throw new FormatError(
            ErrorCode.CORRUPT_BODY,
            `expected a segment of ${into.length} bytes, found another length`,
          );
        }
        dictionary = nextDictionary(dictionary, raw);
        into.set(raw);
      },
      close: () => {},
    };
  },
};
