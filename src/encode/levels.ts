import { type Codec, type CodecName, getCodec } from "../codec/index.ts";
import { StreamId } from "../delta/index.ts";

/**
 * How a delta is coded, by what it asks of the device:
 *
 * - "mix": the smallest, by context mixing;
 * - "fast": quick to apply, on weak devices too: brotli for all streams, of residuals for what is not zero;
 * - "brotli", "zstd", "deflate", "lz", "none": this codec for all streams.
 */
export type DeltaCodec = "mix" | "fast" | "brotli" | "zstd" | "deflate" | "lz" | "none";

/** The names of {@link DeltaCodec}. */
export const DELTA_CODECS: readonly DeltaCodec[] = ["mix", "fast", "brotli", "zstd", "deflate", "lz", "none"];

/** What a level stands for. */
export interface Level {
  /** Unless another one is asked for. */
  codec: DeltaCodec;
  /** Whether content is looked for beyond the file that a name suggests: by sketches, and by blocks of the whole basis. */
  searchesContent: boolean;
  /** Whether files are matched in a hurry: see `Pair`. */
  skims: boolean;
  /** How hard the codecs try, 1 to 9. */
  effort: number;
  /** Base-2 logarithm of how far back literals may refer: memory on the device. */
  literalWindowBits: number;
}

/** The level that balances size and time. */
export const DEFAULT_LEVEL = 6;

// What each of them costs and gives is in bench/RESULTS.md.
const LEVELS: readonly Level[] = [
  { codec: "fast", searchesContent: false, skims: true, effort: 1, literalWindowBits: 22 },
  { codec: "fast", searchesContent: false, skims: false, effort: 4, literalWindowBits: 23 },
  { codec: "fast", searchesContent: true, skims: false, effort: 7, literalWindowBits: 23 },
  { codec: "mix", searchesContent: true, skims: false, effort: 3, literalWindowBits: 23 },
  { codec: "mix", searchesContent: true, skims: false, effort: 5, literalWindowBits: 24 },
  { codec: "mix", searchesContent: true, skims: false, effort: 7, literalWindowBits: 24 },
  { codec: "mix", searchesContent: true, skims: false, effort: 8, literalWindowBits: 24 },
  { codec: "mix", searchesContent: true, skims: false, effort: 8, literalWindowBits: 25 },
  { codec: "mix", searchesContent: true, skims: false, effort: 9, literalWindowBits: 25 },
];

/** @throws RangeError when `level` is not a whole number from 1 to 9. */
export function getLevel(level: number): Level {
  const found = LEVELS[level - 1];
  if (found === undefined) throw new RangeError(`level: expected a whole number from 1 to 9, got ${level}`);
  return found;
}

/** How one stream is coded. */
export interface StreamCoding {
  codec: Codec;
  /** What is tried beside it where there is little to code. */
  codecForFew?: Codec | undefined;
  effort: number;
  windowBits: number;
}

/** How far back control and residuals may refer: both are coded by what is near. */
const CONTROL_WINDOW_BITS = 18;
const RESIDUAL_WINDOW_BITS = 20;

/** The most that brotli and zstd take: a bit more gains up to a hundredth, and takes 8 MB of a device, and time. */
const MAX_GENERAL_WINDOW_BITS = 23;

/** What codes the streams of a delta; each of the other names is a codec's, for all of them. */
const CODECS: Readonly<Record<"mix" | "fast", Readonly<Record<StreamId, CodecName>>>> = {
  mix: { [StreamId.CONTROL]: "ops", [StreamId.DATA]: "lz", [StreamId.RESIDUAL]: "mix" },
  fast: { [StreamId.CONTROL]: "brotli", [StreamId.DATA]: "brotli", [StreamId.RESIDUAL]: "sparse" },
};

/**
 * How each stream is coded.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_CODEC` when this runtime lacks a codec or the name is unknown.
 */
export function chooseCoding(name: DeltaCodec, level: Level): Record<StreamId, StreamCoding> {
  const codecOf = (stream: StreamId): Codec =>
    getCodec(name === "mix" || name === "fast" ? CODECS[name][stream] : name);
  const { effort } = level;
  const literals = codecOf(StreamId.DATA);
  const literalWindowBits =
    literals.takesHistory === true
      ? level.literalWindowBits
      : Math.min(MAX_GENERAL_WINDOW_BITS, level.literalWindowBits);
  return {
    [StreamId.CONTROL]: { codec: codecOf(StreamId.CONTROL), effort, windowBits: CONTROL_WINDOW_BITS },
    [StreamId.DATA]: {
      codec: literals,
      codecForFew: name === "mix" ? getCodec("text") : undefined,
      effort,
      windowBits: literalWindowBits,
    },
    [StreamId.RESIDUAL]: { codec: codecOf(StreamId.RESIDUAL), effort, windowBits: RESIDUAL_WINDOW_BITS },
  };
}

// The highest effort takes 0.2 s for so many bytes: what is small may as well be tiny.
const SMALL_STREAM_BYTES = 1 << 16;
// From here on an effort less saves half a minute and costs a hundredth.
const LARGE_STREAM_BYTES = 1 << 25;
const MIN_WINDOW_BITS = 16;
// What takes history reaches back to all of it: a decoder of lz declares no less memory without.
const MIN_HISTORY_WINDOW_BITS = 21;

/**
 * The coding for a stream of about so many bytes in all: the highest effort where that takes no time, and no more reach,
 * which is memory on the device, than there is to reach.
 */
export function fitCoding({ codec, effort, windowBits }: StreamCoding, expectedBytes: number): StreamCoding {
  let neededBits = codec.takesHistory === true ? MIN_HISTORY_WINDOW_BITS : MIN_WINDOW_BITS;
  while (neededBits < windowBits && 2 ** neededBits < expectedBytes) neededBits++;
  return {
    codec,
    effort: fitEffort(effort, expectedBytes),
    windowBits: Math.min(windowBits, neededBits),
  };
}

function fitEffort(effort: number, expectedBytes: number): number {
  if (expectedBytes <= SMALL_STREAM_BYTES) return 9;
  return expectedBytes > LARGE_STREAM_BYTES && effort < 9 ? Math.max(1, effort - 1) : effort;
}
