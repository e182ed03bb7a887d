import type { OpTotals } from "../../delta/index.ts";
import type { OptionTable } from "../command.ts";
import { formatShare } from "../format.ts";

/** The option of the commands that take plain bytes as well as images. */
export const RAW_OPTION: OptionTable = {
  raw: { type: "boolean", help: "take the files as plain bytes, whatever they hold" },
};

/** The option that sets the size of a signature's blocks. */
export const BLOCK_SIZE_OPTION: OptionTable = {
  "block-size": {
    type: "string",
    value: "BYTES",
    help: "bytes in a block, 16 to 65536, with rdiff any number (chosen by the size of BASIS)",
  },
};

/** A share in brackets: ` (12.3 % of the target)`. */
export function shareOf(part: number, whole: number, what: string): string {
  return ` (${formatShare(part, whole)} of ${what})`;
}

/** What the ops of a delta do, and nothing else of what `totals` has. */
export function opReport(totals: OpTotals) {
  const { opCount, copiedBytes, diffBytes, literalBytes, runBytes, touchedBytes, headerBytes } = totals;
  return { copiedBytes, diffBytes, literalBytes, runBytes, touchedBytes, headerBytes, opCount };
}

/** What an update in place came to, in words. */
export const IN_PLACE_DONE = {
  applied: "updated in place",
  resumed: "an interrupted update, completed",
  none: "nothing to do, it was there already",
} as const;
