import { countingSink, type Source, zeroSource } from "../../io/index.ts";
import { type ApplyBsdiffOptions, type ApplyBsdiffResult, applyBsdiff } from "./apply.ts";

/** Options of {@link checkBsdiff}. */
export type CheckBsdiffOptions = Pick<ApplyBsdiffOptions, "limits" | "signal">;

/** What the entries of a bsdiff file do. */
export type BsdiffCheck = Omit<ApplyBsdiffResult, "targetSha256">;

/**
 * Carry out a bsdiff file without its basis, and keep nothing. That proves all of the file but its header's sizes, which fit, by the CRC-32s of its
 * streams; which basis and which target it is for it does not say.
 *
 * @throws as `applyBsdiff`. How many times the size of its input the target has is not limited, since the basis' size is not known.
 */
export async function checkBsdiff(
  delta: Source | Uint8Array,
  { limits, signal }: CheckBsdiffOptions = {},
): Promise<BsdiffCheck> {
  const { targetSha256: _, ...found } = await applyBsdiff(zeroSource(0), delta, countingSink(), {
    limits: { ...limits, expansion: Number.POSITIVE_INFINITY },
    signal,
  });
  return found;
}
