import { toHex } from "../../bytes/index.ts";
import { createWorkerPool } from "../../encode/node.ts";
import type { FlatImage } from "../../image/index.ts";
import { applyVcdiff, checkVcdiff, createVcdiff, inspectVcdiff } from "../../interop/index.ts";
import { countingSink, type Source } from "../../io/index.ts";
import { fileScratch } from "../../io/node.ts";
import { numberOption, textOption } from "../arguments.ts";
import type { OptionValues } from "../command.ts";
import { shareOf } from "../commands/shared.ts";
import { formatBytes, formatCount } from "../format.ts";
import { openRawInput } from "../inputs.ts";
import { deltaLimits } from "../limits.ts";
import { openOutput } from "../output-file.ts";
import type { Peer } from "../peers.ts";
import { targetDigestOption, UNPROVEN_WARNING } from "../target-digest.ts";
import { GIVE_BASIS, type PlainVerifier, verifyPlainDelta } from "./verify.ts";

/** VCDIFF (RFC 3284), as xdelta3 and open-vcdiff write and read it. */
export const vcdiff: Peer = {
  delta: async (basisName, targetName, { values, signal, onProgress }) => {
    const output = await openOutput(values);
    const workers = createWorkerPool(numberOption(values, "workers", 0, 64));
    const basis = await openRawInput(basisName);
    try {
      const target = await openRawInput(targetName);
      try {
        const { targetSha256, ...stats } = await output.write(
          async (sink) =>
            createVcdiff(
              await withStructure(basis.source, values),
              await withStructure(target.source, values),
              sink,
              {
                workers,
                signal,
                onProgress,
              },
            ),
          signal,
        );
        const { deltaBytes, basisBytes, targetBytes, copiedBytes, literalBytes } = stats;
        const share = shareOf(deltaBytes, targetBytes, "the target");
        return {
          report: { format: "vcdiff", ...stats, targetSha256: toHex(targetSha256) },
          lines: [
            ["delta", `${output.path}, VCDIFF, ${formatBytes(deltaBytes)}${share}`],
            ["basis", formatBytes(basisBytes)],
            ["target", `${formatBytes(targetBytes)}, sha256 ${toHex(targetSha256)}`],
            ["copied", formatBytes(copiedBytes)],
            ["literal", formatBytes(literalBytes)],
          ],
        };
      } finally {
        await target.close();
      }
    } finally {
      await basis.close();
      await workers.close();
    }
  },

  patch: async (basisName, delta, output, { values, signal, onProgress }) => {
    const expectedTargetSha256 = targetDigestOption(values);
    const limits = deltaLimits(values);
    const basis = await openRawInput(basisName);
    try {
      const { targetSha256, ...result } = await output.write(
        (sink) =>
          applyVcdiff(basis.source, delta, sink, { expectedTargetSha256, limits, signal, onProgress }),
        signal,
      );
      const { targetBytes, checkedBytes } = result;
      const isProven = expectedTargetSha256 !== undefined;
      const otherwise = checkedBytes === targetBytes ? "with the checksums of its windows" : "not proven";
      return {
        report: {
          format: "vcdiff",
          basisBytes: basis.source.size,
          ...result,
          targetSha256: toHex(targetSha256),
        },
        lines: [
          ["target", `${output.path}, ${formatBytes(targetBytes)}`],
          ["sha256", `${toHex(targetSha256)}, ${isProven ? "proven" : otherwise}`],
        ],
        warnings: isProven ? [] : [UNPROVEN_WARNING],
      };
    } finally {
      await basis.close();
    }
  },

  verify: (source, _, context) => verifyPlainDelta(DELTA_VERIFIER, source, context),

  inspect: async (source, _, { signal }) => {
    const info = await inspectVcdiff(source, { signal });
    const { deltaBytes, targetBytes, windowCount, sections } = info;
    const { secondaryCompressor, applicationHeader } = info;
    return {
      report: { kind: "delta", format: "vcdiff", ...info },
      lines: [
        ["kind", "delta, VCDIFF"],
        ["size", `${formatBytes(deltaBytes)}${shareOf(deltaBytes, targetBytes, "the target")}`],
        ["basis", `${formatBytes(info.leastBasisBytes)} at least`],
        ["target", formatBytes(targetBytes)],
        ["windows", `${formatCount(windowCount)} of at most ${formatBytes(info.windowBytes)}`],
        ["checksums", `of ${formatBytes(info.checkedBytes)}`],
        [
          "compressor",
          secondaryCompressor === null
            ? "none"
            : `${secondaryCompressor}, in ${formatCount(info.compressedWindowCount)} windows`,
        ],
        ["header", applicationHeader === null ? "none" : JSON.stringify(applicationHeader)],
        ...Object.entries(sections).map(([name, bytes]) => [name, formatBytes(bytes)] as const),
      ],
    };
  },
};

const DELTA_VERIFIER: PlainVerifier = {
  format: "vcdiff",
  check: async (delta, { values, signal }) => {
    const { targetBytes, checkedBytes } = await checkVcdiff(delta, { limits: deltaLimits(values), signal });
    const unproven =
      checkedBytes === 0
        ? "the file has no checksums: it may be damaged and still look whole"
        : `the file has checksums of its target only, of ${formatBytes(checkedBytes)}, which were not checked`;
    return { targetBytes, isWhole: false, warnings: [`${unproven}; ${GIVE_BASIS}`] };
  },
  apply: async (basis, delta, { values, signal, onProgress }, expectedTargetSha256) => {
    const limits = deltaLimits(values);
    // What copies from its own target reads what was made of it.
    const { copiesFromTarget } = await inspectVcdiff(delta, { limits, signal });
    const scratch = copiesFromTarget ? await fileScratch(textOption(values, "tmp"))() : undefined;
    try {
      const options = { expectedTargetSha256, limits, signal, onProgress };
      const made = await applyVcdiff(basis, delta, scratch ?? countingSink(), options);
      const unchecked = made.targetBytes - made.checkedBytes;
      const warnings = unchecked === 0 ? [] : [`${formatBytes(unchecked)} of the target have no checksums`];
      return { ...made, isWhole: unchecked === 0, warnings };
    } finally {
      await scratch?.release();
    }
  },
};

/** The same bytes, as a flat image if they are one: compared file by file they take less memory. */
async function withStructure(source: Source, values: OptionValues): Promise<Source | FlatImage> {
  if (values.raw === true) return source;
  const { isFlatImage, openFlatImage } = await import("../../image/index.ts");
  return (await isFlatImage(source)) ? openFlatImage(source) : source;
}
