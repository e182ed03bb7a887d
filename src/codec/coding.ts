import type { Codec, EncoderSettings, SegmentDecoder, SegmentEncoder } from "./codec.ts";

/** Where segments are coded and decoded: in the calling thread or elsewhere. The bytes are the same. */
export interface SegmentCoding {
  /** @param expectedBytes - about how many raw bytes will come: whether a thread is worth its start. */
  createEncoder(codec: Codec, settings: EncoderSettings, expectedBytes: number): SegmentEncoder;
  /** @param memoryBytes - as for {@link Codec.createDecoder}. */
  createDecoder(codec: Codec, memoryBytes?: number): SegmentDecoder;
}

/** Codes in the calling thread, as far as the codec does not have threads of its own. */
export const inlineCoding: SegmentCoding = {
  createEncoder: (codec, settings) => codec.createEncoder(settings),
  createDecoder: (codec, memoryBytes) => codec.createDecoder(memoryBytes),
};
