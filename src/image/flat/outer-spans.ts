import type { EntrySpan, EnvelopeSpan } from "../../encode/input.ts";
import { ENVELOPE_ROLES, type Envelope } from "./envelope.ts";

/** Paths of an image never hold a NUL, so these never meet one. */
const OUTER_PREFIX = "\0oci/";

/** The files around the layer, and the layer itself without its content. What their contents hash to is not known yet. */
export function outerSpans({ entries }: Envelope): EntrySpan[] {
  return entries.map(({ headerOffset, contentOffset, contentBytes }, i) => {
    const role = ENVELOPE_ROLES[i]!;
    return {
      path: OUTER_PREFIX + role,
      headerOffset,
      headerBytes: contentOffset - headerOffset,
      contentOffset,
      contentBytes: role === "layer" ? 0 : contentBytes,
      contentHash: 0n,
      headerHash: undefined,
      identity: undefined,
      headerTime: undefined,
    };
  });
}

/** What the head of a flat image is made from. */
export function describeEnvelope({ entries, layer, layerOffset }: Envelope): EnvelopeSpan {
  const { contentOffset, contentBytes } = entries[ENVELOPE_ROLES.indexOf("config")]!;
  return {
    configOffset: contentOffset,
    configBytes: contentBytes,
    layerOffset,
    layerDigest: layer.digest,
    entryCount: layer.entryCount,
  };
}
