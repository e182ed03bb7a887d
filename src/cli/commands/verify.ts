import { applyDelta } from "../../apply/index.ts";
import { findPendingFileUpdate } from "../../apply/node.ts";
import { toHex } from "../../bytes/index.ts";
import { inspectDelta } from "../../delta/index.ts";
import { ErrorCode, StateError } from "../../errors.ts";
import { verifyFlatImage } from "../../image/index.ts";
import type { PeerFile } from "../../interop/index.ts";
import { countingSink, type Source } from "../../io/index.ts";
import { openFileSource } from "../../io/node.ts";
import { readSignature } from "../../signature/index.ts";
import { IMAGE_OPTIONS, textOption } from "../arguments.ts";
import type { Command, CommandContext, CommandResult } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes, formatCount } from "../format.ts";
import { openBytes } from "../inputs.ts";
import { type FileKind, recogniseFile } from "../kind.ts";
import { deltaLimits, TARGET_LIMIT_OPTION } from "../limits.ts";
import { callPeer } from "../peers.ts";
import { TARGET_DIGEST, TARGET_DIGEST_OPTION } from "../target-digest.ts";
import { parseRootfsName } from "./rootfs-name.ts";
import { RAW_OPTION } from "./shared.ts";

/** `flatdelta verify`. */
export const verify: Command = {
  operands: ["FILE"],
  description: `Prove that FILE is whole: of a flat image all digests and its canonical form, of a delta every window, op and
checksum, of a signature its checksums. The kind is recognised by content. Of rootfs:FOLDER[:CONFIG] that no
update of it is pending, and which flat image it makes. Success is exit code 0.
Deltas of other tools are verified as far as their formats have checksums; what cannot be proven is said.`,
  options: {
    basis: {
      type: "string",
      value: "BASIS",
      help: "of a delta, what it is for: the target is made, proven and thrown away",
    },
    ...TARGET_DIGEST_OPTION,
    ...TARGET_LIMIT_OPTION,
    ...RAW_OPTION,
    ...IMAGE_OPTIONS,
  },
  examples: [
    ["before it is shipped", "flatdelta verify update.delta"],
    ["with all that it is for", "flatdelta verify update.delta --basis app-1.flat"],
    ["in a script", "flatdelta verify --quiet app.flat && docker load -i app.flat"],
  ],
  run: async ([path], context) => {
    const rootfs = parseRootfsName(path!, context);
    if (rootfs !== undefined) {
      checkOptions("flat", context);
      const { verifyRootfs } = await import("./patch-rootfs.ts");
      return verifyRootfs(rootfs, context);
    }
    const source = await openFileSource(path!);
    try {
      const pending = await findPendingFileUpdate(path!);
      if (pending?.isPrepared === true) {
        throw new StateError(
          ErrorCode.UPDATE_PENDING,
          `an update to ${toHex(pending.targetSha256)} was interrupted; complete it with flatdelta patch --in-place --resume`,
          { path: path! },
        );
      }
      const kind = await recogniseFile(source, path!);
      checkOptions(kind, context);
      if (typeof kind === "object") return await callPeer("verify", kind, source, context);
      return await VERIFIERS[kind](source, context);
    } finally {
      await source.close();
    }
  },
};

/** Refuse options that say nothing of such a file. */
function checkOptions(kind: FileKind | PeerFile, { values }: CommandContext): void {
  const isDelta = kind === "delta" || (typeof kind === "object" && kind.kind === "delta");
  if (values.basis !== undefined && !isDelta)
    throw new UsageError("expected a delta with --basis, found a file of another kind");
  const namesTarget = typeof kind !== "object" || kind.format === "balena" || !isDelta;
  if (values[TARGET_DIGEST] !== undefined && namesTarget)
    throw new UsageError(`expected no --${TARGET_DIGEST}: the file is no delta, or names its target itself`);
}

const VERIFIERS: Readonly<
  Record<FileKind, (source: Source, context: CommandContext) => Promise<CommandResult>>
> = {
  flat: async (source, { signal, onProgress }) => {
    const { layerDigest, entryCount, sha256 } = await verifyFlatImage(source, { signal, onProgress });
    const flatSha256 = toHex(sha256);
    return result("flat image", source, { flatSha256, layerDigest, entryCount }, [
      ["sha256", flatSha256],
      ["layer", `${layerDigest}, ${formatCount(entryCount)} entries`],
    ]);
  },
  delta: async (source, context) => {
    const { values, signal, onProgress } = context;
    const limits = deltaLimits(values);
    const { basisSha256, targetSha256, targetBytes } = await inspectDelta(source, { signal, limits });
    const basisName = textOption(values, "basis");
    if (basisName !== undefined) {
      const basis = await openBytes(basisName, context);
      await applyDelta(basis.source, source, countingSink(), { limits, signal, onProgress }).finally(() =>
        basis.close(),
      );
    }
    return result("delta", source, { basisSha256, targetSha256, targetBytes }, [
      ["basis", `sha256 ${basisSha256}`],
      ["target", `sha256 ${targetSha256}, ${formatBytes(targetBytes)}`],
    ]);
  },
  signature: async (source, { signal }) => {
    const { basisSha256, basisBytes } = await readSignature(source, { signal });
    return result("signature", source, { basisSha256: toHex(basisSha256), basisBytes }, [
      ["basis", `sha256 ${toHex(basisSha256)}, ${formatBytes(basisBytes)}`],
    ]);
  },
};

function result(
  kind: string,
  source: Source,
  found: CommandResult["report"],
  lines: CommandResult["lines"],
): CommandResult {
  return {
    report: { kind, fileBytes: source.size, verified: true, ...found },
    lines: [["verified", `${kind}, ${formatBytes(source.size)}`], ...lines],
  };
}
