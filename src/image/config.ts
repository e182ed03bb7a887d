import { ErrorCode, ImageError } from "../errors.ts";
import { parseDigest } from "./digest.ts";
import { JsonShape, parseJson } from "./json.ts";
import type { Platform } from "./platform.ts";

/** What reading an image needs of its config. */
export interface ImageConfigFacts {
  /** Digests of the uncompressed layers, lowest first. */
  diffIds: readonly string[];
  /** Absent where the config names no platform. */
  platform?: Platform;
}

/**
 * Read an image config (OCI image specification, config.md; Docker's is the same where it matters here).
 *
 * @throws {@link ImageError} `BAD_MANIFEST`.
 */
export function parseImageConfig(bytes: Uint8Array, path: string): ImageConfigFacts {
  const shape = new JsonShape(path);
  const config = shape.object(parseJson(bytes, path), "image config");
  const rootfs = shape.object(config.rootfs, "rootfs of the image config");
  if (rootfs.type !== undefined && rootfs.type !== "layers") {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      `expected rootfs.type "layers" in the image config, found ${JSON.stringify(rootfs.type)}`,
      { path },
    );
  }
  // Docker writes null for an image without layers.
  const diffIds = shape.strings(rootfs.diff_ids ?? [], "rootfs.diff_ids");
  for (const diffId of diffIds) parseDigest(diffId, path);
  const platform = parsePlatformObject(config, shape);
  return platform === undefined ? { diffIds } : { diffIds, platform };
}

/** The platform in the `os`, `architecture` and `variant` members of an object, where it has them. */
export function parsePlatformObject(
  object: { readonly [name: string]: unknown },
  shape: JsonShape,
): Platform | undefined {
  const os = shape.optionalString(object.os, "os");
  const architecture = shape.optionalString(object.architecture, "architecture");
  const variant = shape.optionalString(object.variant, "variant");
  if (!os || !architecture) return undefined;
  return variant ? { os, architecture, variant } : { os, architecture };
}
