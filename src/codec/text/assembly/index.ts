import { FRESH } from "../../assembly/counters";
import { prepareLines, prepareMaps, prepareWeights } from "../../assembly/prepare";
import { makeTables } from "../../assembly/tables";
import { forgetBytes } from "./match";
import {
  AGREEMENTS,
  AGREEMENTS_END,
  APM_ROWS,
  APMS,
  TABLES,
  TABLES_END,
  WEIGHTS_A,
  WEIGHTS_END,
} from "./memory";
import { forgetWord } from "./model";

export { CODED } from "../../assembly/layout";
export { MAX_CODED_BYTES, MAX_SEGMENT_BYTES, PIECE_BYTES, RAW } from "./memory";
export { finishCoder, getCodedPosition, setCodedPosition, startCoder } from "../../assembly/coder";
export { codeBytes } from "./model";

/** Forget what was coded, so that {@link prepareModel} makes a fresh model. */
export function forgetAll(): void {
  forgetBytes();
  forgetWord();
}

/** Prepare a new instance, whose memory is zero, or one that has forgotten all. */
export function prepareModel(): void {
  makeTables();
  prepareMaps(APMS, APM_ROWS);
  prepareWeights(WEIGHTS_A, WEIGHTS_END);
  for (let at = AGREEMENTS; at < AGREEMENTS_END; at += 2) store<u16>(at, FRESH);
  prepareLines(TABLES, TABLES_END);
}
