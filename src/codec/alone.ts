import type { Codec, EncoderSettings } from "./codec.ts";

/**
 * Code bytes that stand alone.
 *
 * With node:zlib that happens in the calling thread: what a coder takes in each of Node's threads in turn stays there, 1 to 2 MB
 * in each of four.
 */
export async function encodeAlone(
  codec: Codec,
  raw: Uint8Array,
  settings: EncoderSettings,
): Promise<Uint8Array> {
  if (codec.alone !== undefined) return codec.alone.encode(raw, settings);
  const encoder = codec.createEncoder(settings);
  try {
    return await encoder.encode(raw);
  } finally {
    encoder.close();
  }
}

/**
 * Decode what {@link encodeAlone} has coded, so that it fills `into`.
 *
 * @throws {@link FormatError} `CORRUPT_BODY` when it is damaged or of another length.
 */
export async function decodeAlone(codec: Codec, coded: Uint8Array, into: Uint8Array): Promise<void> {
  if (codec.alone !== undefined) return codec.alone.decode(coded, into);
  const decoder = codec.createDecoder();
  try {
    await decoder.decode(coded, into);
  } finally {
    decoder.close();
  }
}
