import { ByteReader, ByteWriter } from "../bytes/index.ts";
import { ErrorCode } from "../errors.ts";
import { DIGEST_BYTES, DIGEST_DIGITS, HEADER_BYTES, MAX_CONFIG_BYTES, TargetForm } from "./format.ts";

/**
 * What the head of a flat image is computed from: all bytes of the target before the layer. The ops make the config, less
 * the digits of the layer's digest in it, and then what follows the head.
 */
export interface EnvelopeHeader {
  /** Bytes of the head: a multiple of 512, less than the target has. */
  headBytes: number;
  /** Bytes of the config inside the head. */
  configBytes: number;
  /** Where in the config the 64 digits of the layer's digest stand. */
  digestOffset: number;
  layerSha256: Uint8Array;
  entryCount: number;
}

/** Bytes of the config that the ops make. */
export function givenConfigBytes({ configBytes }: EnvelopeHeader): number {
  return configBytes - DIGEST_DIGITS;
}

/** The value of the extension. */
export function encodeEnvelope(envelope: EnvelopeHeader): Uint8Array {
  const out = new ByteWriter();
  out.varint(envelope.headBytes / HEADER_BYTES);
  out.varint(envelope.configBytes);
  out.varint(envelope.digestOffset);
  out.varint(envelope.entryCount);
  out.bytes(envelope.layerSha256);
  return out.view();
}

/**
 * Read the value of the extension and check it against the target.
 *
 * @throws {@link FormatError} `CORRUPT_HEADER`.
 */
export function decodeEnvelope(
  value: Uint8Array,
  { targetForm, targetBytes }: { targetForm: TargetForm; targetBytes: number },
): EnvelopeHeader {
  const reader = new ByteReader(value, { what: "delta header, envelope", code: ErrorCode.CORRUPT_HEADER });
  if (targetForm !== TargetForm.FLAT_IMAGE) throw reader.corrupt("the target is no flat image");
  const headBytes = reader.varint() * HEADER_BYTES;
  const configBytes = reader.varint();
  const digestOffset = reader.varint();
  const entryCount = reader.varint();
  const layerSha256 = reader.bytes(DIGEST_BYTES);
  reader.end();
  if (headBytes >= targetBytes) {
    throw reader.corrupt(`an image's head of ${headBytes} bytes in a target of ${targetBytes}`);
  }
  if (configBytes > Math.min(headBytes, MAX_CONFIG_BYTES) || digestOffset > configBytes - DIGEST_DIGITS) {
    throw reader.corrupt(
      `an image's config of ${configBytes} bytes in a head of ${headBytes}, with a digest at ${digestOffset}`,
    );
  }
  return { headBytes, configBytes, digestOffset, layerSha256, entryCount };
}
