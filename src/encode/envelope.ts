import { encodeUtf8, equalBytes, fromHex } from "../bytes/index.ts";
import { type EnvelopeHeader, givenConfigBytes } from "../delta/index.ts";
import { readRange, type Source } from "../io/index.ts";
import { ENVELOPE_END_BYTES, encodeEnvelopeHead } from "../transform/index.ts";
import type { EnvelopeSpan } from "./input.ts";
import { MAX_OP_BYTES, type WindowBounds } from "./window-builder.ts";

// Beside the config the head has five small files and six headers: some 6 KiB.
const MAX_FRAME_BYTES = 1 << 16;

/** Ranges of the target that ops make, and what the rest is computed from. */
export interface EnvelopePlan {
  header: EnvelopeHeader | undefined;
  /** All bytes before the layer; empty when nothing is computed. */
  head: Uint8Array;
  /** In the target's order. */
  ranges: readonly { offset: number; length: number }[];
}

/**
 * Find out whether the target's head is what computing it gives, byte for byte. If not, ops make all of the target.
 *
 * The first window holds the whole head: so the config must be sure to fit, though each of its bytes were an op.
 */
export async function planEnvelope(
  target: Source,
  span: EnvelopeSpan | undefined,
  { windowBytes, segmentBytes }: WindowBounds,
): Promise<EnvelopePlan> {
  const plain = {
    header: undefined,
    head: new Uint8Array(0),
    ranges: [{ offset: 0, length: target.size }],
  };
  if (span === undefined) return plain;
  const { configOffset, configBytes, layerOffset, layerDigest, entryCount } = span;
  const isBounded =
    (configBytes + 2) * MAX_OP_BYTES <= segmentBytes &&
    layerOffset <= configBytes + MAX_FRAME_BYTES &&
    layerOffset + configBytes < windowBytes;
  if (!isBounded) return plain;
  const head = await readRange(target, 0, layerOffset);
  const config = head.subarray(configOffset, configOffset + configBytes);
  const digits = layerDigest.slice("sha256:".length);
  const digestOffset = findLast(config, encodeUtf8(digits));
  const layer = {
    digest: layerDigest,
    sizeBytes: target.size - layerOffset - ENVELOPE_END_BYTES,
    entryCount,
  };
  if (digestOffset < 0 || layer.sizeBytes < 0 || !equalBytes(encodeEnvelopeHead(config, layer), head)) {
    return plain;
  }
  const header = {
    headBytes: layerOffset,
    configBytes,
    digestOffset,
    layerSha256: fromHex(digits),
    entryCount,
  };
  const behind = digestOffset + digits.length;
  return {
    header,
    head,
    ranges: [
      { offset: configOffset, length: digestOffset },
      { offset: configOffset + behind, length: givenConfigBytes(header) - digestOffset },
      { offset: layerOffset, length: target.size - layerOffset },
    ],
  };
}

function findLast(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.length - wanted.length; at >= 0; at--) {
    if (equalBytes(bytes.subarray(at, at + wanted.length), wanted)) return at;
  }
  return -1;
}
