import { fromHex } from "../../bytes/index.ts";
import { ErrorCode, FormatError, MismatchError } from "../../errors.ts";
import { createSha256 } from "../../hash/index.ts";
import { checkDigest, formatDigest, parseDigest } from "../../image/digest.ts";
import type { Image } from "../../image/index.ts";
import { concatSources, type OnProgress, type Sink, scanSource } from "../../io/index.ts";
import { applyRdiffDelta } from "../librsync/apply.ts";
import type { TargetLimits } from "../target-limits.ts";
import { DockerArchiveWriter, loadableNames } from "./archive-writer.ts";
import { countSharedLayers, readConfigFacts } from "./format.ts";
import { inspectBalenaDelta } from "./inspect.ts";
import { openLayerTars } from "./layers.ts";

/** Options of {@link applyBalenaDelta}. */
export interface ApplyBalenaDeltaOptions {
  /** For each layer; the rest as in `DEFAULT_TARGET_LIMITS`. */
  limits?: Partial<TargetLimits> | undefined;
  /** Names for the target (`repo:tag`); those of the delta image by default. */
  references?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
  /** Phase: "apply", in bytes of the target's layers. */
  onProgress?: OnProgress | undefined;
}

/** What applying made. */
export interface ApplyBalenaDeltaResult {
  basisId: string;
  /** ID of the image that was made. */
  targetId: string;
  layerCount: number;
  /** How many layers were taken over from the basis. */
  sharedLayerCount: number;
  /** Size of the archive. */
  archiveBytes: number;
}

/**
 * Make the target image from the basis image and a delta image that balenaEngine or {@link createBalenaDelta} made.
 *
 * The result is a docker-archive with the very layers and config of the target: its ID is the one that was wanted. Every layer is proven
 * by its digest. What the sink got must not be used when this throws.
 *
 * @throws {@link MismatchError} `BASIS_MISMATCH` before anything is written, when the basis has another ID than the delta image names;
 * `TARGET_MISMATCH`; {@link FormatError} when the delta is damaged; {@link LimitError} `SIZE_LIMIT`; {@link ImageError}.
 */
export async function applyBalenaDelta(
  basis: Image,
  delta: Image,
  sink: Sink,
  options: ApplyBalenaDeltaOptions = {},
): Promise<ApplyBalenaDeltaResult> {
  const { limits, signal, onProgress, references = loadableNames(delta.references) } = options;
  const { basisId, target, layers } = await inspectBalenaDelta(delta, { signal });
  const old = readConfigFacts(basis.config, "the basis");
  if (old.id !== basisId) {
    throw new MismatchError(
      ErrorCode.BASIS_MISMATCH,
      `the delta image is for another image: expected the ID ${basisId}, found ${old.id}; nothing was written`,
      { expected: basisId, actual: old.id },
    );
  }
  const tars = await openLayerTars(basis, signal);
  const whole = concatSources(tars);
  const shared = countSharedLayers(old, target);
  const planned = layers.map((layer, i) => ({
    ...layer,
    bytes: layer.targetBytes ?? (i < shared ? tars[i]!.size : -1),
  }));
  const totalBytes = planned.reduce((sum, { bytes }) => sum + bytes, 0);
  const archive = new DockerArchiveWriter(sink);
  let doneBytes = 0;
  for (const [i, { diffId, delta: found, bytes }] of planned.entries()) {
    if (bytes < 0) {
      throw new FormatError(
        ErrorCode.CORRUPT_BODY,
        `expected a delta for layer ${i + 1}, found an empty layer, although the basis has another layer there`,
      );
    }
    const expectedTargetSha256 = fromHex(parseDigest(diffId, `layer ${i + 1}`));
    await archive.addLayer(diffId, bytes, async (into) => {
      if (found !== undefined) {
        await applyRdiffDelta(whole, found, into, { expectedTargetSha256, limits, signal });
        return;
      }
      const digest = createSha256();
      for await (const piece of scanSource(tars[i]!, { signal })) {
        digest.update(piece);
        await into.write(piece);
      }
      checkDigest(formatDigest(digest.digest()), diffId, `layer ${i + 1} of the basis`);
    });
    doneBytes += bytes;
    onProgress?.({ phase: "apply", doneBytes, totalBytes });
  }
  await archive.finish(target.id, target.config, references);
  const sharedLayerCount = layers.filter((layer) => layer.delta === undefined).length;
  return {
    ...{ basisId, targetId: target.id },
    ...{ layerCount: layers.length, sharedLayerCount, archiveBytes: archive.bytesWritten },
  };
}
