import { createWorkerPool } from "../../encode/node.ts";
import { type Image, readDockerArchive } from "../../image/index.ts";
import {
  applyBalenaDelta,
  type BalenaDeltaInfo,
  checkBalenaDelta,
  createBalenaDelta,
  inspectBalenaDelta,
} from "../../interop/index.ts";
import { countingSink, type Source } from "../../io/index.ts";
import { fileScratch } from "../../io/node.ts";
import { numberOption, textOption } from "../arguments.ts";
import { shareOf } from "../commands/shared.ts";
import { formatBytes, formatCount } from "../format.ts";
import { readNamed } from "../image-input.ts";
import { deltaLimits } from "../limits.ts";
import { openOutput } from "../output-file.ts";
import type { Peer } from "../peers.ts";
import { usingAll } from "../using-all.ts";
import { tellVerified } from "./verify.ts";

function describeDelta({ basisId, target: { id: targetId }, layers }: BalenaDeltaInfo) {
  const sharedLayerCount = layers.filter((layer) => layer.delta === undefined).length;
  const targetBytes = layers.reduce((sum, layer) => sum + (layer.targetBytes ?? 0), 0);
  const layerDeltaBytes = layers.reduce((sum, layer) => sum + layer.deltaBytes, 0);
  return {
    report: { basisId, targetId, layerCount: layers.length, sharedLayerCount, targetBytes, layerDeltaBytes },
    lines: [
      ["basis", basisId],
      ["target", targetId],
      ["layers", `${formatCount(layers.length)}, of which the basis has ${formatCount(sharedLayerCount)}`],
      ["the others", `${formatBytes(targetBytes)} in ${formatBytes(layerDeltaBytes)}`],
    ] as const,
  };
}

const openArchive = (source: Source, signal: AbortSignal): Promise<Image> =>
  readDockerArchive(source, { scratch: fileScratch(), signal });

/** Delta images of balenaEngine. */
export const balena: Peer = {
  delta: async (basisName, targetName, context) => {
    const { values, signal, onProgress } = context;
    const output = await openOutput(values);
    return usingAll(async (open) => {
      const workers = open(createWorkerPool(numberOption(values, "workers", 0, 64)));
      const basis = open(await readNamed(basisName, context));
      const target = open(await readNamed(targetName, context));
      const scratch = fileScratch(textOption(values, "tmp"));
      const stats = await output.write(
        (sink) => createBalenaDelta(basis, target, sink, { scratch, workers, signal, onProgress }),
        signal,
      );
      const { deltaBytes, targetBytes, layerDeltaBytes, layerCount, sharedLayerCount } = stats;
      return {
        report: { format: "balena", ...stats },
        lines: [
          ["delta", `${output.path}, an image for balenaEngine, ${formatBytes(deltaBytes)}`],
          ["basis", stats.basisId],
          ["target", stats.targetId],
          ["layers", `${formatCount(layerCount)}, of which the basis has ${formatCount(sharedLayerCount)}`],
          [
            "the others",
            `${formatBytes(targetBytes)} in ${formatBytes(layerDeltaBytes)}${shareOf(layerDeltaBytes, targetBytes, "them")}`,
          ],
        ],
      };
    });
  },

  patch: (basisName, _, output, context, deltaName) =>
    usingAll(async (open) => {
      const { signal, onProgress, values } = context;
      const limits = deltaLimits(values);
      const basis = open(await readNamed(basisName, context));
      const delta = open(await readNamed(deltaName, context));
      const result = await output.write(
        (sink) => applyBalenaDelta(basis, delta, sink, { limits, signal, onProgress }),
        signal,
      );
      return {
        report: { format: "balena", ...result },
        lines: [
          ["target", `${output.path}, a docker-archive, ${formatBytes(result.archiveBytes)}`],
          ["image", `${result.targetId}, proven`],
          [
            "layers",
            `${formatCount(result.layerCount)}, of which the basis has ${formatCount(result.sharedLayerCount)}`,
          ],
        ],
      };
    }),

  inspect: (source, _, { signal }) =>
    usingAll(async (open) => {
      const { report, lines } = describeDelta(
        await inspectBalenaDelta(open(await openArchive(source, signal)), { signal }),
      );
      return {
        report: { kind: "delta", format: "balena", fileBytes: source.size, ...report },
        lines: [["kind", "delta image of balenaEngine"], ["size", formatBytes(source.size)], ...lines],
      };
    }),

  verify: (source, _, context) =>
    usingAll(async (open) => {
      const { values, signal, onProgress } = context;
      const delta = open(await openArchive(source, signal));
      const { report, lines } = describeDelta(await checkBalenaDelta(delta, { signal }));
      const basisName = textOption(values, "basis");
      if (basisName !== undefined) {
        const basis = open(await readNamed(basisName, context));
        const limits = deltaLimits(values);
        await applyBalenaDelta(basis, delta, countingSink(), { limits, signal, onProgress });
      }
      const found = { kind: "delta", format: "balena", verified: true, ...report };
      return tellVerified("delta image of balenaEngine", source, found, { lines });
    }),
};
