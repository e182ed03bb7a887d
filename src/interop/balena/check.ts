import { checkDigest, digestSource } from "../../image/digest.ts";
import type { Image } from "../../image/index.ts";
import { readConfigFacts } from "./format.ts";
import { type BalenaDeltaInfo, inspectBalenaDelta } from "./inspect.ts";
import { openLayerTars } from "./layers.ts";

/**
 * Prove a delta image without its basis: the digests of its layers, as its config names them, and the ops of each delta. What these make of
 * the basis only applying proves.
 *
 * @throws as {@link inspectBalenaDelta}; {@link ImageError} `DIGEST_MISMATCH` when a layer is not what the config names.
 */
export async function checkBalenaDelta(
  delta: Image,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<BalenaDeltaInfo> {
  const info = await inspectBalenaDelta(delta, { signal });
  const { diffIds } = readConfigFacts(delta.config, "the delta image");
  for (const [i, tar] of (await openLayerTars(delta, signal)).entries()) {
    checkDigest(await digestSource(tar, { signal }), diffIds[i]!, `layer ${i + 1} of the delta image`);
  }
  return info;
}
