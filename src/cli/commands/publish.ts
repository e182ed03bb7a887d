import { DELTA_CODECS } from "../../encode/index.ts";
import { createWorkerPool } from "../../encode/node.ts";
import type { ManifestImage } from "../../image/index.ts";
import { fileScratch } from "../../io/node.ts";
import { parseReference, publishDelta } from "../../registry/index.ts";
import { choiceOption, IMAGE_OPTIONS, numberOption, sizeOption, textOption } from "../arguments.ts";
import type { Command } from "../command.ts";
import { checkUsage, UsageError } from "../exit-code.ts";
import { formatBytes } from "../format.ts";
import { openFlatInput } from "../image-input.ts";
import { createRegistryClient } from "../remote-input.ts";
import { checkStdinOnce } from "../stdin-name.ts";
import { DELTA_OPTIONS } from "./delta.ts";
import { shareOf } from "./shared.ts";

const { codec, level, workers, "max-stash": maxStash } = DELTA_OPTIONS;

const DOCKER = "docker://";

/** `flatdelta publish`. */
export const publish: Command = {
  operands: ["OLD", "NEW"],
  description: `Make the delta from OLD to NEW, two images, and put it into the registry of NEW, as an artifact that refers to its
manifest. Devices find it there: they need no other service than the registry. NEW must be in the registry already,
under the name that --to says.`,
  options: {
    to: {
      type: "string",
      value: "docker://REF",
      help: "NEW in its registry; needed unless NEW is named so itself",
    },
    codec,
    level,
    workers,
    "max-stash": maxStash,
    ...IMAGE_OPTIONS,
  },
  examples: [
    [
      "what changed between two images of a registry",
      "flatdelta publish docker://registry.example.com/app:1 docker://registry.example.com/app:2",
    ],
    [
      "of images that are at hand, too",
      "flatdelta publish app-1.tar app-2.tar --to docker://registry.example.com/app:2",
    ],
  ],
  run: async ([oldName, newName], context) => {
    const { values, signal, onProgress } = context;
    checkStdinOnce(oldName!, newName!);
    const to = textOption(values, "to") ?? newName!;
    if (!to.startsWith(DOCKER))
      throw new UsageError(`expected --to ${DOCKER}REF, the name of NEW in its registry`);
    const reference = checkUsage(() => parseReference(to));
    const tmp = textOption(values, "tmp");
    const options = {
      codec: choiceOption(values, "codec", DELTA_CODECS),
      level: numberOption(values, "level", 1, 9),
      inPlace: { maxStashBytes: sizeOption(values, "max-stash") },
    };
    const pool = createWorkerPool(numberOption(values, "workers", 0, 64));
    try {
      const basis = await openFlatInput(oldName!, context);
      try {
        const target = await openFlatInput(newName!, context);
        try {
          const published = await publishDelta({
            ...options,
            old: basis.flat,
            new: target.flat,
            newDiffIds: target.image?.layers.map(({ diffId }) => diffId),
            oldManifestDigest: oldName!.startsWith(DOCKER)
              ? (basis.image as ManifestImage).manifest.digest
              : undefined,
            to: reference,
            client: createRegistryClient(values),
            scratch: tmp === undefined ? fileScratch() : fileScratch(tmp),
            workers: pool,
            signal,
            onProgress,
          });
          return tellPublished(published, to);
        } finally {
          await target.close();
        }
      } finally {
        await basis.close();
      }
    } finally {
      await pool.close();
    }
  },
};

function tellPublished(published: Awaited<ReturnType<typeof publishDelta>>, to: string) {
  const { deltaBytes, target } = published;
  const isDearer = deltaBytes >= target.storedBytes;
  return {
    report: {
      artifactDigest: published.manifest.digest,
      targetManifestDigest: target.manifest.digest,
      deltaDigest: published.deltaDigest,
      deltaBytes,
      pullBytes: target.storedBytes,
      basisBytes: published.basisFlatBytes,
      basisDigest: published.basisFlatDigest,
      targetBytes: published.targetFlatBytes,
      targetDigest: published.targetFlatDigest,
    },
    lines: [
      ["delta", `${formatBytes(deltaBytes)}${shareOf(deltaBytes, target.storedBytes, "a pull")}`],
      ["artifact", published.manifest.digest],
      ["for", `${to} (${target.manifest.digest})`],
    ] as const,
    ...(isDearer
      ? { warnings: ["the delta is not smaller than a pull of the image: devices will pull"] }
      : {}),
  };
}
