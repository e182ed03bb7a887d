import { prepareWeights } from "../../assembly/prepare";
import { makeTables } from "../../assembly/tables";
import { BASIS, HISTORY_BYTES, RESIDUAL, WEIGHTS, WEIGHTS_END } from "./memory";
import { prepareFields } from "./field";
import { prepareScout } from "./scout";

export { CODED } from "../../assembly/layout";
export { BASIS, MAX_CODED_BYTES, MAX_OVERRUN_BYTES, MAX_SEGMENT_BYTES, MAX_SPANS, PIECE_BYTES, RESIDUAL, SPANS } from "./memory";
export { finishCoder, getCodedPosition, setCodedPosition, startCoder } from "../../assembly/coder";
export { codeResidual, startSpans } from "./model";

/** Prepare a new instance, whose memory is zero. */
export function prepareModel(): void {
  makeTables();
  prepareScout();
  prepareFields();
  prepareWeights(WEIGHTS, WEIGHTS_END);
}

/** Add its basis to the residual of a finished segment of `length` bytes, whose history is kept: 16 bytes at a time. */
export function addBasis(length: u32): void {
  for (let at: usize = 0; at < length; at += 16) {
    v128.store(RESIDUAL + at, i8x16.add(v128.load(RESIDUAL + at), v128.load(BASIS + at)));
  }
}

/** Keep the end of a finished segment of `length` bytes as history of the next. */
export function keepHistory(length: u32): void {
  memory.copy(BASIS - HISTORY_BYTES, BASIS + <usize>length - HISTORY_BYTES, HISTORY_BYTES);
  memory.copy(RESIDUAL - HISTORY_BYTES, RESIDUAL + <usize>length - HISTORY_BYTES, HISTORY_BYTES);
}
