import { prepareMaps, prepareWeights } from "../../assembly/prepare";
import { makeTables } from "../../assembly/tables";
import { APM_ROWS, APMS, WEIGHTS_A, WEIGHTS_END } from "./memory";

export { CODED } from "../../assembly/layout";
export { MAX_CODED_BYTES, MAX_SEGMENT_BYTES, PIECE_BYTES, RAW } from "./memory";
export { finishCoder, getCodedPosition, setCodedPosition, startCoder } from "../../assembly/coder";
export { codeBytes, codeForm, codeOps, isOps } from "./model";

/** Prepare a new instance, whose memory is zero. */
export function prepareModel(): void {
  makeTables();
  prepareMaps(APMS, APM_ROWS);
  prepareWeights(WEIGHTS_A, WEIGHTS_END);
}
