import { ErrorCode, FormatError, ImageError, isFlatdeltaError } from "../../errors.ts";
import { detectCompression } from "../../image/decompress.ts";
import { type Image, readDockerArchive } from "../../image/index.ts";
import { readTarIndex } from "../../image/tar/index.ts";
import { type Source, subSource } from "../../io/index.ts";
import { TAR_BLOCK_BYTES } from "../../transform/index.ts";
import { inspectRdiffDelta } from "../librsync/inspect.ts";
import { type BalenaLabels, DELTA_MEMBER, isBalenaDeltaConfig, readBalenaLabels } from "./format.ts";
import { openLayerTars } from "./layers.ts";

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
