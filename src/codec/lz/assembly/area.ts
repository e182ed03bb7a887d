// How full the area for coded bytes is.
import { getCodedPosition } from "../../assembly/shares";
import { CODED_BYTES, MAX_TOKEN_BYTES } from "./memory";

/** Whether it may be too small for another block of the parser. */
@inline
export function isAreaFilling(): bool {
  return getCodedPosition() >= CODED_BYTES / 4;
}

/** Whether it may be too small for another token. */
@inline
export function isAreaDone(): bool {
  return getCodedPosition() >= CODED_BYTES - MAX_TOKEN_BYTES;
}
