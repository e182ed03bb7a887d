import { toHex } from "../../bytes/index.ts";
import { createWorkerPool } from "../../encode/node.ts";
import {
  applyRdiffDelta,
  createRdiffDelta,
  inspectRdiffDelta,
  type RdiffSignature,
  readRdiffSignature,
  writeRdiffSignature,
} from "../../interop/index.ts";
import { type ByteInput, countingSink, type Source } from "../../io/index.ts";
import { choiceOption, numberOption, textOption } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { shareOf } from "../commands/shared.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes, formatCount } from "../format.ts";
import { openRawInput } from "../inputs.ts";
import { recogniseSignatureFile } from "../kind.ts";
import { deltaLimits } from "../limits.ts";
import { openOutput } from "../output-file.ts";
import type { Peer } from "../peers.ts";
import { STDIN_NAME } from "../stdin-name.ts";
import { targetDigestOption, UNPROVEN_WARNING } from "../target-digest.ts";
import { usingAll } from "../using-all.ts";
import { GIVE_BASIS, type PlainVerifier, tellVerified, verifyPlainDelta } from "./verify.ts";

const MAX_BLOCK_BYTES = 2 ** 32 - 1;
const MAX_STRONG_BYTES = 32;

const UNPROVEN_FILE_WARNING = "the format has no checksum: the file may be damaged and still look whole";

function strongSize(context: CommandContext): number | "min" | undefined {
  if (textOption(context.values, "strong-size") === "min") return "min";
  return numberOption(context.values, "strong-size", 1, MAX_STRONG_BYTES);
}

function describeSignature(
  { weakHash, strongHash, blockBytes, strongBytes }: Omit<RdiffSignature, "weakHashes" | "strongHashes">,
  blockCount: number,
) {
  return {
    report: { weakHash, strongHash, blockBytes, strongBytes, blockCount },
    lines: [
      ["blocks", `${formatCount(blockCount)} of ${formatBytes(blockBytes)}`],
      ["hashes", `${weakHash}, ${formatBytes(strongBytes)} of ${strongHash}`],
    ] as const,
  };
}

async function readSignatureFile(source: Source, { signal }: CommandContext) {
  const signature = await readRdiffSignature(source, { signal });
  return describeSignature(signature, signature.weakHashes.length);
}

/** The files of librsync, as rdiff writes and reads them. */
export const rdiff: Peer = {
  signature: async (basisName, context) => {
    const { values, signal, onProgress, stdin } = context;
    const options = {
      weakHash: choiceOption(values, "weak-hash", ["rabinkarp", "rollsum"] as const),
      strongHash: choiceOption(values, "strong-hash", ["blake2b", "md4"] as const),
      blockBytes: numberOption(values, "block-size", 1, MAX_BLOCK_BYTES),
      strongBytes: strongSize(context),
    };
    if (options.strongHash === "md4" && typeof options.strongBytes === "number" && options.strongBytes > 16)
      throw new UsageError(`expected --strong-size to be at most 16 with md4, got ${options.strongBytes}`);
    const output = await openOutput(values);
    return usingAll(async (open) => {
      const basis: ByteInput = basisName === STDIN_NAME ? stdin : open(await openRawInput(basisName)).source;
      const { basisSha256, signatureBytes, basisBytes, blockCount, ...header } = await output.write(
        (sink) => writeRdiffSignature(basis, sink, { ...options, signal, onProgress }),
        signal,
      );
      const described = describeSignature(header, blockCount);
      return {
        report: {
          format: "rdiff",
          basisBytes,
          basisSha256: toHex(basisSha256),
          ...described.report,
          signatureBytes,
        },
        lines: [
          ["signature", `${output.path}, of rdiff, ${formatBytes(signatureBytes)}`],
          ["basis", formatBytes(basisBytes)],
          ["sha256", toHex(basisSha256)],
          ...described.lines,
        ],
      };
    });
  },

  delta: async (basisName, targetName, { values, signal, onProgress }) => {
    const output = await openOutput(values);
    const kind = await recogniseSignatureFile(basisName);
    if (kind === "flatdelta")
      throw new UsageError(
        `expected a basis or its signature by rdiff, got a signature by flatdelta: ${basisName}`,
      );
    return usingAll(async (open) => {
      const workers = open(createWorkerPool(numberOption(values, "workers", 0, 64)));
      const { source } = open(await openRawInput(basisName));
      const basis = kind === "rdiff" ? await readRdiffSignature(source, { signal }) : source;
      const target = open(await openRawInput(targetName));
      const { targetSha256, ...stats } = await output.write(
        (sink) => createRdiffDelta(basis, target.source, sink, { workers, signal, onProgress }),
        signal,
      );
      const { deltaBytes, targetBytes, copiedBytes, literalBytes, opCount } = stats;
      const share = shareOf(deltaBytes, targetBytes, "the target");
      return {
        report: { format: "rdiff", ...stats, targetSha256: toHex(targetSha256) },
        lines: [
          ["delta", `${output.path}, of rdiff, ${formatBytes(deltaBytes)}${share}`],
          ["target", `${formatBytes(targetBytes)}, sha256 ${toHex(targetSha256)}`],
          ["copied", formatBytes(copiedBytes)],
          ["literal", `${formatBytes(literalBytes)}, ${formatCount(opCount)} ops`],
        ],
      };
    });
  },

  patch: (basisName, delta, output, { values, signal, onProgress }) =>
    usingAll(async (open) => {
      const expectedTargetSha256 = targetDigestOption(values);
      const limits = deltaLimits(values);
      const basis = open(await openRawInput(basisName));
      const { targetSha256, ...result } = await output.write(
        (sink) =>
          applyRdiffDelta(basis.source, delta, sink, { expectedTargetSha256, limits, signal, onProgress }),
        signal,
      );
      const isProven = expectedTargetSha256 !== undefined;
      return {
        report: { format: "rdiff", ...result, targetSha256: toHex(targetSha256) },
        lines: [
          ["target", `${output.path}, ${formatBytes(result.targetBytes)}`],
          ["sha256", `${toHex(targetSha256)}, ${isProven ? "proven" : "not proven"}`],
        ],
        warnings: isProven ? [] : [UNPROVEN_WARNING],
      };
    }),

  inspect: async (source, { kind }, context) => {
    if (kind === "signature") {
      const { report, lines } = await readSignatureFile(source, context);
      return {
        report: { kind, format: "rdiff", fileBytes: source.size, ...report },
        lines: [["kind", "signature of rdiff"], ["size", formatBytes(source.size)], ...lines],
      };
    }
    const info = await inspectRdiffDelta(source, { signal: context.signal });
    const { deltaBytes, targetBytes, minBasisBytes, copiedBytes, literalBytes, opCount } = info;
    return {
      report: { kind, format: "rdiff", ...info },
      lines: [
        ["kind", "delta of rdiff"],
        ["size", `${formatBytes(deltaBytes)}${shareOf(deltaBytes, targetBytes, "the target")}`],
        ["basis", `${formatBytes(minBasisBytes)} at least`],
        ["target", formatBytes(targetBytes)],
        ["copied", formatBytes(copiedBytes)],
        ["literal", `${formatBytes(literalBytes)}, ${formatCount(opCount)} ops`],
      ],
    };
  },

  verify: async (source, { kind }, context) => {
    if (kind === "delta") return verifyPlainDelta(DELTA_VERIFIER, source, context);
    await readSignatureFile(source, context);
    const report = { kind, format: "rdiff", verified: false };
    return tellVerified("signature of rdiff", source, report, { warnings: [UNPROVEN_FILE_WARNING] });
  },
};

const DELTA_VERIFIER: PlainVerifier = {
  format: "rdiff",
  check: async (delta, { signal }) => {
    const { targetBytes } = await inspectRdiffDelta(delta, { signal });
    return { targetBytes, isWhole: false, warnings: [`${UNPROVEN_FILE_WARNING}; ${GIVE_BASIS}`] };
  },
  apply: async (basis, delta, { values, signal, onProgress }, expectedTargetSha256) => {
    const options = { expectedTargetSha256, limits: deltaLimits(values), signal, onProgress };
    const made = await applyRdiffDelta(basis, delta, countingSink(), options);
    return { ...made, isWhole: false, warnings: [] };
  },
};
