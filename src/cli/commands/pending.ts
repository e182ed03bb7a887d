import type { CommandResult } from "../command.ts";
import { formatBytes } from "../format.ts";

/** An update that was interrupted, its digests in hexadecimal digits. */
export interface InterruptedUpdate {
  readonly basisSha256: string;
  readonly targetBytes: number;
  readonly targetSha256: string;
}

/**
 * What there is to say of an interrupted update.
 *
 * @param what - the kind of thing that is updated.
 * @param name - how a command names it.
 */
export function tellInterrupted(
  what: string,
  name: string,
  { basisSha256, targetBytes, targetSha256 }: InterruptedUpdate,
): CommandResult {
  return {
    report: { kind: "interrupted update", basisSha256, targetBytes, targetSha256 },
    lines: [
      ["kind", `${what}, in an update that was interrupted`],
      ["from", `sha256 ${basisSha256}`],
      ["to", `sha256 ${targetSha256}, ${formatBytes(targetBytes)}`],
      ["next", `complete it: flatdelta patch --in-place --resume ${name}`],
    ],
  };
}
