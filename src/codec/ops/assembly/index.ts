import { prepareNibbles, prepareWeightSets } from "../../assembly/nibble";
import { KIND_SETS, SETS_END } from "./memory";

export { CODED } from "../../assembly/layout";
export { endByte, finishCoder, getCodedPosition, setCodedPosition, startCoder } from "../../assembly/shares";
export { MAX_CODED_BYTES, MAX_SEGMENT_BYTES, PIECE_BYTES, RAW } from "./memory";
export { codeBytes, codeOps, codeWhetherOps, isOps } from "./model";

/** Prepare a new instance, whose memory is zero. */
export function prepareModel(): void {
  prepareNibbles();
  prepareWeightSets(KIND_SETS, SETS_END);
}
