import type { FoundMatches } from "./lz/finder.ts";
import type { ResidualSpans } from "./mix/index.ts";

/**
 * The shape of a codec.
 *
 * A delta is several streams, each cut into one segment per target window. A codec keeps its state from segment to
 * segment, so that a window can refer to bytes of earlier windows, and flushes at each segment's end, so that a window
 * can be decoded as soon as it has arrived.
 */
export interface SegmentEncoder {
  /**
   * Code the next segment. `raw` may be reused once the promise is settled.
   *
   * @param basis - for a codec that {@link Codec.needsBasis}: the basis byte of each residual byte in `raw`.
   * @param spans - likewise: where these bytes stand.
   */
  encode(raw: Uint8Array, basis?: Uint8Array, spans?: ResidualSpans): Promise<Uint8Array>;
  /**
   * Before the first segment, once: take bytes that both sides know as if they had been coded. Absent when the codec cannot.
   *
   * @param history - at most 2 MiB.
   */
  prime?(history: Uint8Array): Promise<void>;
  /** Whether calls may overlap: then segments are worked on in the order of the calls. */
  readonly queues?: boolean;
  /** Release what the encoder holds. */
  close(): void;
}

/** The first stage of an encoder: what of a segment's coding depends on nothing but bytes. */
export interface SegmentFinder {
  find(raw: Uint8Array): Promise<FoundMatches>;
  /** As in the encoder. */
  prime(history: Uint8Array): Promise<void>;
}

/** The second stage. */
export interface SegmentParser {
  /** @param found - what the first stage found in this segment. */
  encode(raw: Uint8Array, found: FoundMatches): Promise<Uint8Array>;
  /** As in the encoder. */
  prime(history: Uint8Array): Promise<void>;
}

/** An encoder in two parts, which may run on threads of their own. The bytes are those of the whole. */
export interface EncoderStages {
  createFinder(settings: EncoderSettings): SegmentFinder;
  createParser(settings: EncoderSettings): SegmentParser;
}

/** The other side of {@link SegmentEncoder}. Segments come in the order in which they were coded, each once. */
export interface SegmentDecoder {
  /**
   * Decode the next segment so that it fills `into`, whose length the caller has checked against its limits. Callers use
   * the same memory again and again: what each segment would allocate lived until the garbage collector saw a reason to come,
   * and made half of the peak memory of applying. It may be shared memory.
   *
   * @param basis - as for {@link SegmentEncoder.encode}, as long as `into`.
   * @param spans - likewise.
   * @throws {@link FormatError} `CORRUPT_BODY` when the segment is damaged or its length is another; then `into` may be
   * filled in part.
   */
  decode(coded: Uint8Array, into: Uint8Array, basis?: Uint8Array, spans?: ResidualSpans): Promise<void>;
  /**
   * Decode the next segment and add it to the basis bytes that `bytes` holds, which become target bytes. Only a codec that
   * {@link Codec.needsBasis} has it. It saves a buffer a segment, and the adding in the thread that asks.
   *
   * @throws {@link FormatError} as `decode`.
   */
  addTo?(coded: Uint8Array, bytes: Uint8Array, spans?: ResidualSpans): Promise<void>;
  /** Whether it works on another thread: memory that threads share spares it copies then, and costs others time. */
  readonly isElsewhere?: boolean;
  /** As in the encoder. */
  readonly queues?: boolean;
  /** As in the encoder, with the same bytes. */
  prime?(history: Uint8Array): Promise<void>;
  /** Release what the decoder holds. */
  close(): void;
}

/** How an encoder is set up. */
export interface EncoderSettings {
  /** Effort from 1 (quick) to 9 (small), in the codec's own steps. */
  effort: number;
  /** Base-2 logarithm of how far back the codec may refer, 15 to 24 (lz: 25): what the decoder keeps in memory. */
  windowBits: number;
}

/** One way of coding a stream. */
export interface Codec {
  readonly name: CodecName;
  /** The number that stands for the codec in a delta. */
  readonly id: number;
  /**
   * Whether it codes only residuals, and both sides need the basis bytes that they are added to: those tell where changes
   * are likely.
   */
  readonly needsBasis: boolean;
  /** Whether coding holds up the calling thread; the codecs of node:zlib have threads of their own. */
  readonly isBlocking: boolean;
  /** Whether it is made for control segments: other bytes do not become shorter. Absent: for any stream, or see above. */
  readonly isForControl?: boolean;
  /** Whether its coders have {@link SegmentEncoder.prime}. */
  readonly takesHistory?: boolean;
  /** The longest segment it codes, in bytes; absent when there is no bound of its own. */
  readonly maxSegmentBytes?: number;
  /** Whether this runtime can code and decode with it. */
  isAvailable(): boolean;
  /** Upper bound of what a decoder for `windowBits` keeps in memory. */
  decoderMemoryBytes(windowBits: number): number;
  createEncoder(settings: EncoderSettings): SegmentEncoder;
  /** Absent when the encoder has no parts. */
  readonly stages?: EncoderStages;
  /** @param memoryBytes - what the delta declares for it, {@link decoderMemoryBytes}; without it, the most that is possible. */
  createDecoder(memoryBytes?: number): SegmentDecoder;
  /** Absent when a coder for one segment serves as well: see `encodeAlone`. */
  readonly alone?: AloneCoding;
}

/** Coding bytes that stand alone, in the calling thread and at once. */
export interface AloneCoding {
  encode(raw: Uint8Array, settings: EncoderSettings): Uint8Array;
  /** @throws {@link FormatError} as {@link SegmentDecoder.decode}. */
  decode(coded: Uint8Array, into: Uint8Array): void;
}

/**
 * The names of the codecs. "ops" is for control segments alone, "mix" for residuals alone, "text" for few literals, "sparse" for what is
 * zeros for the most part, the others for all streams; which go together `DeltaCodec` of `flatdelta/encode` says.
 */
export type CodecName = "none" | "deflate" | "brotli" | "zstd" | "mix" | "lz" | "ops" | "text" | "sparse";
