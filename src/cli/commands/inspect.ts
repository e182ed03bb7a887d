import { findPendingFileUpdate } from "../../apply/node.ts";
import { toHex } from "../../bytes/index.ts";
import { inspectDelta } from "../../delta/index.ts";
import { openFlatImage } from "../../image/index.ts";
import type { Source } from "../../io/index.ts";
import { openFileSource } from "../../io/node.ts";
import { readSignature } from "../../signature/index.ts";
import { IMAGE_OPTIONS, textOption } from "../arguments.ts";
import type { Command, CommandContext, CommandResult, Json } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes, formatCount } from "../format.ts";
import { type FileKind, recogniseFile } from "../kind.ts";
import { deltaLimits, TARGET_LIMIT_OPTION } from "../limits.ts";
import { callPeer } from "../peers.ts";
import { tellAccount } from "./account.ts";
import { tellInterrupted } from "./pending.ts";
import { parseRootfsName } from "./rootfs-name.ts";
import { shareOf } from "./shared.ts";

/** `flatdelta inspect`. */
export const inspect: Command = {
  operands: ["FILE"],
  description: `Tell what a flat image, delta or signature says about itself: what it was made from, what it makes, of what it
consists. The kind is recognised by content. Of rootfs:FOLDER[:CONFIG] it tells which flat image it makes, or that an
update of it was interrupted.`,
  options: {
    basis: {
      type: "string",
      value: "IMAGE",
      help: "of a delta, the image it was made against: tells what each file of the target costs",
    },
    ...TARGET_LIMIT_OPTION,
    ...IMAGE_OPTIONS,
  },
  examples: [
    ["what a delta needs and makes", "flatdelta inspect update.delta"],
    ["what makes a delta large", "flatdelta inspect update.delta --basis app-1.tar"],
    ["which basis it is for, in a script", "flatdelta inspect --json update.delta | jq -r .basisSha256"],
  ],
  run: async ([path], context) => {
    const rootfs = parseRootfsName(path!, context);
    if (rootfs !== undefined) {
      const { inspectRootfs } = await import("./patch-rootfs.ts");
      return inspectRootfs(rootfs, context);
    }
    const source = await openFileSource(path!);
    try {
      // While it is updated a flat image looks like nothing that is known.
      const pending = await findPendingFileUpdate(path!);
      if (pending?.isPrepared === true) {
        const [basisSha256, targetSha256] = [toHex(pending.basisSha256), toHex(pending.targetSha256)];
        const found = { basisSha256, targetBytes: pending.targetBytes, targetSha256 };
        return tellInterrupted("flat image or other file", "FILE", found);
      }
      const kind = await recogniseFile(source, path!);
      if (kind !== "delta" && context.values.basis !== undefined)
        throw new UsageError("expected a delta with --basis, found a file of another kind");
      if (typeof kind === "object") return await callPeer("inspect", kind, source, context);
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
  delta: async (source, context) => {
    const info = await inspectDelta(source, { signal: context.signal, limits: deltaLimits(context.values) });
    const basisName = textOption(context.values, "basis");
    if (basisName !== undefined && info.targetForm === "plain")
      throw new UsageError(
        "expected a delta to an image with --basis, found one to a plain file, which has no files",
      );
    const account =
      basisName === undefined
        ? { report: {}, lines: [] }
        : tellAccount(
            await (await import("../account-file.ts")).accountDeltaFile(source, basisName, context),
          );
    const { targetBytes, windowBytes, metadata } = info;
    return {
      report: { kind: "delta", ...info, ...account.report },
      lines: [
        ["kind", `delta to a ${info.targetForm === "plain" ? "plain file" : "flat image"}`],
        ["size", `${formatBytes(info.deltaBytes)}${shareOf(info.deltaBytes, targetBytes, "the target")}`],
        ["basis", `sha256 ${info.basisSha256}, ${formatBytes(info.basisBytes)}`],
        ["target", `sha256 ${info.targetSha256}, ${formatBytes(targetBytes)}`],
        ["windows", `${formatCount(info.windowCount)} of at most ${formatBytes(windowBytes)}`],
        [
          "in place",
          info.inPlace === null
            ? "not possible: made for streams only"
            : `at most ${formatBytes(info.inPlace.stashBytes + info.inPlace.spoolBytes)} of scratch space`,
        ],
        ...(info.tree === null
          ? []
          : [
              [
                "of a folder",
                `at most ${formatBytes(info.tree.contentBytes)} beside it, for ${formatCount(info.tree.entryCount)} entries`,
              ] as const,
            ]),
        ["copied", formatBytes(info.copiedBytes + info.diffBytes)],
        ["literal", `${formatBytes(info.literalBytes)}, ${formatCount(info.opCount)} ops`],
        ...info.streams.map(
          ({ name, codec, rawBytes, codedBytes }) =>
            [name, `${formatBytes(rawBytes)} in ${formatBytes(codedBytes)}, ${codec}`] as const,
        ),
        ...Object.entries(metadata).map(([key, text]) => [key, JSON.stringify(text)] as const),
        ...account.lines,
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
