import { toHex } from "../../bytes/index.ts";
import { inspectDelta } from "../../delta/index.ts";
import { openFlatImage } from "../../image/index.ts";
import type { Source } from "../../io/index.ts";
import { openFileSource } from "../../io/node.ts";
import { readSignature } from "../../signature/index.ts";
import type { Command, CommandContext, CommandResult, Json } from "../command.ts";
import { formatBytes, formatCount } from "../format.ts";
import { type FileKind, recogniseFile } from "../kind.ts";
import { shareOf } from "./shared.ts";

/** `flatdelta inspect`. */
export const inspect: Command = {
  operands: ["FILE"],
  description: `Tell what a flat image, delta or signature says about itself: what it was made from, what it makes, of what it
consists. The kind is recognised by content.`,
  options: {},
  examples: [
    ["what a delta needs and makes", "flatdelta inspect update.delta"],
    ["which basis it is for, in a script", "flatdelta inspect --json update.delta | jq -r .basisSha256"],
  ],
  run: async ([path], context) => {
    const source = await openFileSource(path!);
    try {
      const kind = await recogniseFile(source, path!);
      return await INSPECTORS[kind](source, context);
    } finally {
      await source.close();
    }
  },
};

const INSPECTORS: Readonly<
  Record<FileKind, (source: Source, context: CommandContext) => Promise<CommandResult>>
> = {
  flat: async (source) => {
    const flat = await openFlatImage(source);
    try {
      const { layerDigest, entryCount } = flat;
      const config = JSON.parse(new TextDecoder().decode(flat.config)) as { [key: string]: Json };
      return {
        report: { kind: "flat image", fileBytes: source.size, layerDigest, entryCount, config },
        lines: [
          ["kind", "flat image"],
          ["size", formatBytes(source.size)],
          ["layer", layerDigest],
          ["entries", formatCount(entryCount)],
          ["platform", [config.os, config.architecture, config.variant].filter(Boolean).join("/")],
          ["config", JSON.stringify(config.config ?? {})],
        ],
      };
    } finally {
      await flat.close();
    }
  },
  delta: async (source, { signal }) => {
    const info = await inspectDelta(source, { signal });
    const { targetBytes, windowBytes, metadata } = info;
    return {
      report: { kind: "delta", ...info },
      lines: [
        ["kind", `delta to a ${info.targetForm === "plain" ? "plain file" : "flat image"}`],
        ["size", `${formatBytes(info.deltaBytes)}${shareOf(info.deltaBytes, targetBytes, "the target")}`],
        ["basis", `sha256 ${info.basisSha256}, ${formatBytes(info.basisBytes)}`],
        ["target", `sha256 ${info.targetSha256}, ${formatBytes(targetBytes)}`],
        ["windows", `${formatCount(info.windowCount)} of at most ${formatBytes(windowBytes)}`],
        ["copied", formatBytes(info.copiedBytes + info.diffBytes)],
        ["literal", `${formatBytes(info.literalBytes)}, ${formatCount(info.opCount)} ops`],
        ...info.streams.map(
          ({ name, codec, rawBytes, codedBytes }) =>
            [name, `${formatBytes(rawBytes)} in ${formatBytes(codedBytes)}, ${codec}`] as const,
        ),
        ...Object.entries(metadata).map(([key, text]) => [key, JSON.stringify(text)] as const),
      ],
    };
  },
  signature: async (source, { signal }) => {
    const { basisBytes, basisSha256, blockBytes, weakHashes } = await readSignature(source, { signal });
    return {
      report: {
        kind: "signature",
        fileBytes: source.size,
        basisBytes,
        basisSha256: toHex(basisSha256),
        blockBytes,
        blockCount: weakHashes.length,
      },
      lines: [
        ["kind", "signature"],
        ["size", formatBytes(source.size)],
        ["basis", `sha256 ${toHex(basisSha256)}, ${formatBytes(basisBytes)}`],
        ["blocks", `${formatCount(weakHashes.length)} of ${formatBytes(blockBytes)}`],
      ],
    };
  },
};
