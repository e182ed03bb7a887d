import { type ByteInput, countingSink, zeroSource } from "../../io/index.ts";
import { type ApplyVcdiffOptions, type ApplyVcdiffResult, runVcdiff } from "./apply.ts";

/** Options of {@link checkVcdiff}. */
export type CheckVcdiffOptions = Pick<ApplyVcdiffOptions, "limits" | "signal">;

/** What the instructions of a VCDIFF file do. `checkedBytes` of its target have checksums, which only its basis could prove. */
export type VcdiffCheck = Omit<ApplyVcdiffResult, "targetSha256">;

/**
 * Carry out a VCDIFF file without its basis, and keep nothing: all that does not depend on the basis is checked. What is found sound may
 * still be damaged in its literals: the checksums are of the target.
 *
 * @throws as `applyVcdiff`, but for what only the basis tells.
 */
export async function checkVcdiff(delta: ByteInput, options: CheckVcdiffOptions = {}): Promise<VcdiffCheck> {
  const nothing = {
    ...countingSink(),
    readWritten: async (_: number, into: Uint8Array) => void into.fill(0),
  };
  const { targetSha256: _, ...found } = await runVcdiff(
    zeroSource(Number.MAX_SAFE_INTEGER),
    delta,
    nothing,
    options,
    () => {},
  );
  return found;
}
