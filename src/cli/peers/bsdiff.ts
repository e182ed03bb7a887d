import { toHex } from "../../bytes/index.ts";
import { applyBsdiff, checkBsdiff, inspectBsdiff } from "../../interop/index.ts";
import { type ByteInput, countingSink, type Source, toByteStream } from "../../io/index.ts";
import { fileScratch } from "../../io/node.ts";
import { textOption } from "../arguments.ts";
import { shareOf } from "../commands/shared.ts";
import { formatBytes, formatCount } from "../format.ts";
import { openRawInput } from "../inputs.ts";
import { deltaLimits } from "../limits.ts";
import type { Peer } from "../peers.ts";
import { targetDigestOption, UNPROVEN_WARNING } from "../target-digest.ts";
import { GIVE_BASIS, type PlainVerifier, verifyPlainDelta } from "./verify.ts";

/** BSDIFF40, as bsdiff 4 writes it, and ENDSLEY/BSDIFF43. */
export const bsdiff: Peer = {
  patch: async (basisName, delta, output, { values, signal, onProgress }) => {
    const expectedTargetSha256 = targetDigestOption(values);
    const limits = deltaLimits(values);
    const kept = await keepStream(delta, textOption(values, "tmp"), signal);
    try {
      const basis = await openRawInput(basisName);
      const options = { expectedTargetSha256, limits, signal, onProgress };
      const { targetSha256, ...result } = await output
        .write((sink) => applyBsdiff(basis.source, kept.source, sink, options), signal)
        .finally(() => basis.close());
      const isProven = expectedTargetSha256 !== undefined;
      return {
        report: {
          format: "bsdiff",
          basisBytes: basis.source.size,
          ...result,
          targetSha256: toHex(targetSha256),
        },
        lines: [
          ["target", `${output.path}, ${formatBytes(result.targetBytes)}`],
          ["sha256", `${toHex(targetSha256)}, ${isProven ? "proven" : "not proven"}`],
        ],
        warnings: isProven ? [] : [UNPROVEN_WARNING],
      };
    } finally {
      await kept.release();
    }
  },

  verify: (source, _, context) => verifyPlainDelta(DELTA_VERIFIER, source, context),

  inspect: async (source) => {
    const info = await inspectBsdiff(source);
    const { format, deltaBytes, targetBytes, streams } = info;
    return {
      report: { kind: "delta", ...info, format: "bsdiff", version: format },
      lines: [
        ["kind", `delta, ${format}`],
        ["size", `${formatBytes(deltaBytes)}${shareOf(deltaBytes, targetBytes, "the target")}`],
        ["target", formatBytes(targetBytes)],
        ...Object.entries(streams).map(
          ([name, bytes]) => [name, `${formatCount(bytes)} bytes of bzip2`] as const,
        ),
      ],
    };
  },
};

const DELTA_VERIFIER: PlainVerifier = {
  format: "bsdiff",
  check: async (delta, { values, signal }) => {
    const { targetBytes } = await checkBsdiff(delta, { limits: deltaLimits(values), signal });
    const warnings = [`the file does not say which basis and which target it is for; ${GIVE_BASIS}`];
    return { targetBytes, isWhole: true, warnings };
  },
  apply: async (basis, delta, { values, signal, onProgress }, expectedTargetSha256) => {
    const options = { expectedTargetSha256, limits: deltaLimits(values), signal, onProgress };
    return { ...(await applyBsdiff(basis, delta, countingSink(), options)), isWhole: true, warnings: [] };
  },
};

/** The file's three parts are read side by side: what comes in a pipe is kept. */
async function keepStream(
  delta: ByteInput,
  folder: string | undefined,
  signal: AbortSignal,
): Promise<{ source: Source | Uint8Array; release(): Promise<void> }> {
  if (delta instanceof Uint8Array || "size" in delta) return { source: delta, release: async () => {} };
  const spool = await fileScratch(folder)();
  try {
    for await (const piece of toByteStream(delta, signal)) await spool.write(piece);
    return { source: await spool.finish(), release: () => spool.release() };
  } catch (error) {
    await spool.release();
    throw error;
  }
}
