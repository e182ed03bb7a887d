import { createWorkerPool } from "../../encode/node.ts";
import { type Image, readDockerArchive } from "../../image/index.ts";
import { applyBalenaDelta, createBalenaDelta, inspectBalenaDelta } from "../../interop/index.ts";
import type { Source } from "../../io/index.ts";
import { fileScratch } from "../../io/node.ts";
import { numberOption, textOption } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { shareOf } from "../commands/shared.ts";
import { formatBytes, formatCount } from "../format.ts";
import { readNamed } from "../image-input.ts";
import { deltaLimits } from "../limits.ts";
import { openOutput } from "../output-file.ts";
import type { Peer } from "../peers.ts";
import { usingAll } from "../using-all.ts";

async function inspectSource(source: Source, { signal }: CommandContext) {
  const image: Image = await readDockerArchive(source, { scratch: fileScratch(), signal });
  try {
    const { basisId, target, layers } = await inspectBalenaDelta(image, { signal });
    const { id: targetId } = target;
    const sharedLayerCount = layers.filter((layer) => layer.delta === undefined).length;
    const targetBytes = layers.reduce((sum, layer) => sum + (layer.targetBytes ?? 0), 0);
    const layerDeltaBytes = layers.reduce((sum, layer) => sum + layer.deltaBytes, 0);
    return { basisId, targetId, layerCount: layers.length, sharedLayerCount, targetBytes, layerDeltaBytes };
  } finally {
    await image.close();
  }
}

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

  inspect: async (source, _, context) => {
    const info = await inspectSource(source, context);
    return {
      report: { kind: "delta", format: "balena", fileBytes: source.size, ...info },
      lines: [
        ["kind", "delta image of balenaEngine"],
        ["size", formatBytes(source.size)],
        ["basis", info.basisId],
        ["target", info.targetId],
        [
          "layers",
          `${formatCount(info.layerCount)}, of which the basis has ${formatCount(info.sharedLayerCount)}`,
        ],
        ["the others", `${formatBytes(info.targetBytes)} in ${formatBytes(info.layerDeltaBytes)}`],
      ],
    };
  },
};
