import { ErrorCode, ImageError } from "../../errors.ts";
import { isDigest } from "../digest.ts";
import { encodeCanonicalJson, expectObject, type JsonObject, parseJsonObject } from "./canonical-json.ts";

/** Marks the history entry of the flat layer, so that flattening a flat image changes nothing. */
const FLAT_COMMENT = "flattened by flatdelta";
const FLAT_HISTORY: Readonly<JsonObject> = { comment: FLAT_COMMENT, created_by: "flatdelta flatten" };

/** Earlier history as it stands, but as of steps that made no layer: there is only one. */
function flatHistory(config: JsonObject): JsonObject[] {
  const history = config.history ?? [];
  if (!Array.isArray(history)) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      `image config: expected an array as history, found a ${typeof history}`,
    );
  }
  const earlier = history
    .map((step) => expectObject(step, "history of the image config"))
    .filter((step) => step.comment !== FLAT_COMMENT);
  return [...earlier.map((step) => ({ ...step, empty_layer: true })), { ...FLAT_HISTORY }];
}

/**
 * The config of a flat image: the image's own, but for the layer and the history, in canonical JSON.
 *
 * @throws {@link ImageError} `BAD_MANIFEST` when the config is no JSON object or holds numbers over 2^53 − 1.
 */
export function encodeFlatConfig(config: Uint8Array, layerDigest: string): Uint8Array {
  const parsed = parseJsonObject(config, "image config");
  return encodeCanonicalJson({
    ...parsed,
    history: flatHistory(parsed),
    rootfs: { diff_ids: [layerDigest], type: "layers" },
  });
}

/** The layer's digest that the config of a flat image names; `undefined` when it is another image's. */
export function readFlatDigest(config: Uint8Array): string | undefined {
  const { history, rootfs } = parseJsonObject(config, "image config");
  const last = Array.isArray(history) ? history.at(-1) : undefined;
  const isFlat = typeof last === "object" && (last as JsonObject | null)?.comment === FLAT_COMMENT;
  const digests = isFlat ? (rootfs as JsonObject | undefined)?.diff_ids : undefined;
  const digest = Array.isArray(digests) && digests.length === 1 ? digests[0] : undefined;
  return isDigest(digest) ? digest : undefined;
}
