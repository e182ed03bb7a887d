import type { MatchInputOptions } from "../../encode/index.ts";
import { createSha256, sha256 } from "../../hash/index.ts";
import { formatDigest } from "../../image/digest.ts";
import type { Image } from "../../image/index.ts";
import { memoryScratch, type ScratchSpace, type Sink, type Source, scanSource } from "../../io/index.ts";
import { encodeOuterHeader } from "../../transform/index.ts";
import { createRdiffDelta } from "../librsync/create.ts";
import { DockerArchiveWriter, endOfTar, loadableNames, paddingOf } from "./archive-writer.ts";
import { countSharedLayers, DELTA_MEMBER, encodeDeltaConfig, readConfigFacts } from "./format.ts";
import { indexedLayer, indexedLayers, openLayerTars } from "./layers.ts";

/** Options of {@link createBalenaDelta}. */
export interface CreateBalenaDeltaOptions extends MatchInputOptions {
  /** Where a layer's delta is kept until its digest is known; memory by default. */
  scratch?: ScratchSpace | undefined;
  /** Names (`repo:tag`) that the target gets where the delta image is loaded; those of the target by default. */
  references?: readonly string[] | undefined;
}

/** What was written. */
export interface BalenaDeltaStats {
  /** ID of the image that the delta is for. */
  basisId: string;
  /** ID of the image that it makes. */
  targetId: string;
  /** ID of the delta image itself. */
  deltaId: string;
  layerCount: number;
  /** How many of the target's layers the basis has already. */
  sharedLayerCount: number;
  /** Size of the target's layers that the basis has not. */
  targetBytes: number;
  /** Bytes of the deltas inside, without the archive around them. */
  layerDeltaBytes: number;
  /** Size of the archive. */
  deltaBytes: number;
}

async function pipe(source: Source, sink: Sink, signal: AbortSignal | undefined): Promise<void> {
  for await (const piece of scanSource(source, { signal })) await sink.write(piece);
}

/** The tar around a delta, before and behind it, and its digest. */
async function wrapDelta(delta: Source, signal: AbortSignal | undefined) {
  const head = encodeOuterHeader(DELTA_MEMBER, delta.size);
  const tail = [paddingOf(delta.size), endOfTar()];
  const digest = createSha256();
  digest.update(head);
  for await (const piece of scanSource(delta, { signal })) digest.update(piece);
  for (const bytes of tail) digest.update(bytes);
  const sizeBytes = tail.reduce((sum, bytes) => sum + bytes.length, head.length + delta.size);
  const write = async (sink: Sink): Promise<void> => {
    await sink.write(head);
    await pipe(delta, sink, signal);
    for (const bytes of tail) await sink.write(bytes);
  };
  return { diffId: formatDigest(digest.digest()), sizeBytes, write };
}

/**
 * Write a delta image that balenaEngine applies when it is loaded or pulled, as a docker-archive: a layer for each layer of the target,
 * which holds a delta of librsync's format against all layers of the basis, or nothing where the basis has the same layers.
 *
 * What balenaEngine itself writes is found by blocks of 512 bytes; here files are compared with their predecessors, byte by byte.
 * Deltas are not compressed inside: a registry compresses the layers. An image's ID is the digest of its config, so the
 * basis must be read from a form that keeps it as the device has it (`docker save`, a registry).
 *
 * ```ts
 * await createBalenaDelta(await readImage("app-1.tar"), await readImage("app-2.tar"), file, { scratch: fileScratch() });
 * ```
 *
 * @throws {@link ImageError} when a layer is not what its image names; {@link UnsupportedError} for a root file system, which has no
 * layers.
 */
export async function createBalenaDelta(
  basis: Image,
  target: Image,
  sink: Sink,
  options: CreateBalenaDeltaOptions = {},
): Promise<BalenaDeltaStats> {
  const { scratch = memoryScratch, signal, references = loadableNames(target.references) } = options;
  const [old, wanted] = [
    readConfigFacts(basis.config, "the basis"),
    readConfigFacts(target.config, "the target"),
  ];
  const shared = countSharedLayers(old, wanted);
  const layers = (await openLayerTars(basis, signal)).map((tar, i) => indexedLayer(tar, old.diffIds[i]!));
  const whole = indexedLayers(layers);
  const archive = new DockerArchiveWriter(sink);
  const diffIds: string[] = [];
  let targetBytes = 0;
  let layerDeltaBytes = 0;
  const tars = await openLayerTars(target, signal);
  for (const [i, tar] of tars.entries()) {
    if (i < shared) {
      const empty = endOfTar();
      const diffId = formatDigest(sha256(empty));
      diffIds.push(diffId);
      await archive.addLayer(diffId, empty.length, (into) => into.write(empty));
      continue;
    }
    const file = await scratch();
    try {
      const made = await createRdiffDelta(whole, indexedLayer(tar, wanted.diffIds[i]!), file, options);
      targetBytes += made.targetBytes;
      layerDeltaBytes += made.deltaBytes;
      const layer = await wrapDelta(await file.finish(), signal);
      diffIds.push(layer.diffId);
      await archive.addLayer(layer.diffId, layer.sizeBytes, layer.write);
    } finally {
      await file.release();
    }
  }
  const config = encodeDeltaConfig(old.id, wanted, diffIds);
  const deltaId = formatDigest(sha256(config));
  await archive.finish(deltaId, config, references);
  return {
    ...{ basisId: old.id, targetId: wanted.id, deltaId },
    ...{ layerCount: tars.length, sharedLayerCount: shared },
    ...{ targetBytes, layerDeltaBytes, deltaBytes: archive.bytesWritten },
  };
}
