import { equalBytes } from "../bytes/index.ts";
import { DELTA_MAGIC } from "./format.ts";

/** Whether the first bytes of a file are those of a delta. */
export function isDelta(head: Uint8Array): boolean {
  return equalBytes(head.subarray(0, DELTA_MAGIC.length), DELTA_MAGIC);
}
