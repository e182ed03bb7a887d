import { toHex } from "../../bytes/index.ts";
import type { PeerFormat } from "../../interop/index.ts";
import type { Source } from "../../io/index.ts";
import { textOption } from "../arguments.ts";
import type { CommandContext, CommandResult } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import { formatBytes } from "../format.ts";
import { openRawInput } from "../inputs.ts";
import { TARGET_DIGEST, targetDigestOption, UNPROVEN_WARNING } from "../target-digest.ts";

/** What proves a delta that does not prove itself. */
export const GIVE_BASIS = `give --basis and --${TARGET_DIGEST} to be sure`;

/** What carrying out a delta came to. */
interface Carried {
  readonly targetBytes: number;
  /** Whether what the delta has of checksums proves all of it, so that damage would have shown. */
  readonly isWhole: boolean;
  /** What has to be said of it otherwise. */
  readonly warnings: readonly string[];
}

/** How a delta is verified whose basis and target are plain bytes. */
export interface PlainVerifier {
  readonly format: PeerFormat;
  /** Go through the delta without its basis. */
  check(delta: Source, context: CommandContext): Promise<Carried>;
  /** Make the target of the basis, and keep nothing. */
  apply(
    basis: Source,
    delta: Source,
    context: CommandContext,
    expectedTargetSha256: Uint8Array | undefined,
  ): Promise<Carried & { readonly targetSha256: Uint8Array }>;
}

/** The result of a file of another tool. */
export function tellVerified(
  what: string,
  source: Source,
  report: CommandResult["report"] & { readonly verified: boolean },
  { lines = [], warnings = [] }: Partial<Pick<CommandResult, "lines" | "warnings">> = {},
): CommandResult {
  return {
    report: { fileBytes: source.size, ...report },
    lines: [[report.verified ? "verified" : "read", `${what}, ${formatBytes(source.size)}`], ...lines],
    warnings,
  };
}

/** Verify a delta alone, or with `--basis` by making its target, which `--target-sha256` proves. */
export async function verifyPlainDelta(
  { format, check, apply }: PlainVerifier,
  delta: Source,
  context: CommandContext,
): Promise<CommandResult> {
  const basisName = textOption(context.values, "basis");
  const expected = targetDigestOption(context.values);
  const what = `delta of ${format}`;
  if (basisName === undefined) {
    if (expected !== undefined)
      throw new UsageError(`expected --basis with --${TARGET_DIGEST}: the target is made to see what it is`);
    const { targetBytes, isWhole, warnings } = await check(delta, context);
    const report = { kind: "delta", format, verified: isWhole, targetBytes };
    return tellVerified(what, delta, report, { lines: [["target", formatBytes(targetBytes)]], warnings });
  }
  const basis = await openRawInput(basisName);
  try {
    const made = await apply(basis.source, delta, context, expected);
    const { targetBytes, isWhole, warnings } = made;
    const targetSha256 = toHex(made.targetSha256);
    const isProven = expected !== undefined;
    return tellVerified(
      what,
      delta,
      {
        ...{ kind: "delta", format, verified: isProven || isWhole },
        ...{ basisBytes: basis.source.size, targetBytes, targetSha256 },
      },
      {
        lines: [
          ["basis", `${basisName}, ${formatBytes(basis.source.size)}`],
          ["target", `sha256 ${targetSha256}, ${formatBytes(targetBytes)}`],
        ],
        warnings: isProven ? [] : [...warnings, UNPROVEN_WARNING],
      },
    );
  } finally {
    await basis.close();
  }
}
