import { fromHex } from "../../bytes/index.ts";
import { ErrorCode, FormatError, ImageError, isFlatdeltaError, MismatchError } from "../../errors.ts";
import { createSha256 } from "../../hash/index.ts";
import { detectCompression } from "../../image/decompress.ts";
import { checkDigest, formatDigest, parseDigest } from "../../image/digest.ts";
import { type Image, readDockerArchive } from "../../image/index.ts";
import { readTarIndex } from "../../image/tar/index.ts";
import {
  concatSources,
  type OnProgress,
  type Sink,
  type Source,
  scanSource,
  subSource,
} from "../../io/index.ts";
import { TAR_BLOCK_BYTES } from "../../transform/index.ts";
import { applyRdiffDelta } from "../librsync/apply.ts";
import { inspectRdiffDelta } from "../librsync/inspect.ts";
import type { TargetLimits } from "../target-limits.ts";
import { DockerArchiveWriter } from "./archive-writer.ts";
import {
  type BalenaLabels,
  countSharedLayers,
  DELTA_MEMBER,
  isBalenaDeltaConfig,
  readBalenaLabels,
  readConfigFacts,
} from "./format.ts";
import { openLayerTars } from "./layers.ts";

/** Options of {@link applyBalenaDelta}. */
export interface ApplyBalenaDeltaOptions {
  /** For each layer; the rest as in `DEFAULT_TARGET_LIMITS`. */
  limits?: Partial<TargetLimits> | undefined;
  /** Names for the target (`repo:tag`). */
  references?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
  /** Phase: "apply", in bytes of the target's layers. */
  onProgress?: OnProgress | undefined;
}

/** One layer of the target, as a delta image has it. */
export interface BalenaLayer {
  /** Digest of the target's layer. */
  readonly diffId: string;
  /** The delta that makes it; none for a layer that the basis has too. */
  readonly delta: Source | undefined;
  readonly deltaBytes: number;
  /** Size of the target's layer; not known where the basis has it. */
  readonly targetBytes: number | undefined;
}

/** What a delta image says. */
export interface BalenaDeltaInfo extends BalenaLabels {
  readonly layers: readonly BalenaLayer[];
}

/** The delta in a layer's tar; none in the empty layer. */
async function findDelta(tar: Source, path: string): Promise<Source | undefined> {
  for await (const { header, contentOffset, contentBytes } of readTarIndex(tar)) {
    if (header.type === "file" && header.name === DELTA_MEMBER && header.sparse === undefined)
      return subSource(tar, contentOffset, contentBytes);
    throw new FormatError(
      ErrorCode.CORRUPT_BODY,
      `expected the file ${DELTA_MEMBER} in a layer of the delta image, found ${JSON.stringify(header.name.slice(0, 100))}`,
      { path },
    );
  }
  return undefined;
}

/**
 * Read a delta image without the basis: what it is for, and each layer's delta to its end.
 *
 * @throws {@link FormatError} `BAD_MAGIC` for another image, `CORRUPT_BODY`, `TRUNCATED`, `TRAILING_DATA`; {@link ImageError}.
 */
export async function inspectBalenaDelta(
  delta: Image,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<BalenaDeltaInfo> {
  const labels = readBalenaLabels(delta.config);
  const { diffIds } = labels.target;
  const tars = await openLayerTars(delta, signal);
  if (tars.length !== diffIds.length) {
    throw new ImageError(
      ErrorCode.BAD_MANIFEST,
      `expected a layer of the delta image for each of the target's ${diffIds.length}, found ${tars.length}`,
    );
  }
  const layers: BalenaLayer[] = [];
  for (const [i, tar] of tars.entries()) {
    const found = await findDelta(tar, `layer ${i + 1}`);
    const info = found === undefined ? undefined : await inspectRdiffDelta(found, { signal });
    layers.push({
      diffId: diffIds[i]!,
      delta: found,
      deltaBytes: found?.size ?? 0,
      targetBytes: info?.targetBytes,
    });
  }
  return { ...labels, layers };
}

/** Whether a file is a delta image in a docker-archive that is not compressed as a whole. */
export async function isBalenaDelta(source: Source): Promise<boolean> {
  if (source.size < TAR_BLOCK_BYTES || (await detectCompression(source).catch(() => "other")) !== "none")
    return false;
  try {
    const image = await readDockerArchive(source);
    try {
      return isBalenaDeltaConfig(image.config);
    } finally {
      await image.close();
    }
  } catch (error) {
    if (isFlatdeltaError(error)) return false;
    throw error;
  }
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
  const { limits, signal, onProgress, references = [] } = options;
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
