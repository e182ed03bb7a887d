import { decodeUtf8, encodeUtf8 } from "../../bytes/index.ts";
import { ErrorCode, FormatError } from "../../errors.ts";
import { sha256 } from "../../hash/index.ts";
import { parseImageConfig } from "../../image/config.ts";
import { formatDigest } from "../../image/digest.ts";
import { JsonShape, parseJson } from "../../image/json.ts";

/** Label of a delta image: the ID of the image that it is for. */
const BASE_LABEL = "io.resin.delta.base";
/** Label of a delta image: the config of the image that it makes, as it stands there. */
const CONFIG_LABEL = "io.resin.delta.config";

/** Name of the one file in each of its layers. */
export const DELTA_MEMBER = "delta";

const CONFIG_NAME = "the delta image's config";

/** An image as far as its config tells: the ID is the config's digest. */
export interface ConfigFacts {
  /** "sha256:…". */
  readonly id: string;
  readonly config: Uint8Array;
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly string[];
}

/** Read an image's config. */
export function readConfigFacts(config: Uint8Array, path: string): ConfigFacts {
  return { id: formatDigest(sha256(config)), config, diffIds: parseImageConfig(config, path).diffIds };
}

function readLabels(config: Uint8Array): { base?: string | undefined; config?: string | undefined } {
  const shape = new JsonShape(CONFIG_NAME);
  const { config: runtime } = shape.object(parseJson(config, CONFIG_NAME), "image config");
  if (runtime === undefined || runtime === null) return {};
  const { Labels: labels } = shape.object(runtime, "config");
  if (labels === undefined || labels === null) return {};
  const { [BASE_LABEL]: base, [CONFIG_LABEL]: target } = shape.object(labels, "Labels");
  return { base: shape.optionalString(base, BASE_LABEL), config: shape.optionalString(target, CONFIG_LABEL) };
}

/** Whether an image's config is that of a delta image. */
export function isBalenaDeltaConfig(config: Uint8Array): boolean {
  const labels = readLabels(config);
  return labels.base !== undefined && labels.config !== undefined;
}

/** What the labels of a delta image say. */
export interface BalenaLabels {
  /** ID of the image that the delta is for. */
  readonly basisId: string;
  readonly target: ConfigFacts;
}

/**
 * Read the labels of a delta image.
 *
 * @throws {@link FormatError} `BAD_MAGIC` when it is another image; {@link ImageError} `BAD_MANIFEST` when a config is no config.
 */
export function readBalenaLabels(config: Uint8Array): BalenaLabels {
  const labels = readLabels(config);
  if (labels.base === undefined || labels.config === undefined) {
    throw new FormatError(
      ErrorCode.BAD_MAGIC,
      `expected a delta image of balenaEngine, found an image without the labels ${BASE_LABEL} and ${CONFIG_LABEL}`,
    );
  }
  const target = readConfigFacts(encodeUtf8(labels.config), `the label ${CONFIG_LABEL}`);
  return { basisId: labels.base, target };
}

/**
 * The config of a delta image.
 *
 * @param diffIds - of its layers.
 */
export function encodeDeltaConfig(
  basisId: string,
  target: ConfigFacts,
  diffIds: readonly string[],
): Uint8Array {
  const targetText = decodeUtf8(target.config);
  const { created, architecture, os, variant } = JSON.parse(targetText) as Record<string, unknown>;
  return encodeUtf8(
    JSON.stringify({
      created,
      architecture,
      os,
      variant,
      config: { Labels: { [BASE_LABEL]: basisId, [CONFIG_LABEL]: targetText } },
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
  );
}

/** How many of the target's layers, from the lowest on, are those of the basis: so far their chain IDs are equal. */
export function countSharedLayers(basis: ConfigFacts, target: ConfigFacts): number {
  let count = 0;
  while (count < target.diffIds.length && target.diffIds[count] === basis.diffIds[count]) count++;
  return count;
}
