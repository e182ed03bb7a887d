import type { PendingUpdate } from "../../apply/index.ts";
import { toHex } from "../../bytes/index.ts";
import type { CommandResult } from "../command.ts";
import { formatBytes } from "../format.ts";

/** What there is to say of a file whose update was interrupted. */
export function tellPending({ basisSha256, targetBytes, targetSha256 }: PendingUpdate): CommandResult {
  const [from, to] = [toHex(basisSha256), toHex(targetSha256)];
  return {
    report: { kind: "interrupted update", basisSha256: from, targetBytes, targetSha256: to },
    lines: [
      ["kind", "flat image or other file, in an update that was interrupted"],
      ["from", `sha256 ${from}`],
      ["to", `sha256 ${to}, ${formatBytes(targetBytes)}`],
      ["next", "complete it: flatdelta patch --in-place --resume FILE"],
    ],
  };
}
