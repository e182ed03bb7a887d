import {
  APM_ROW_BYTES,
  BASIS,
  FLAG_APM,
  FLAG_APM_ROWS,
  FLAG_TABLES,
  FLAG_WEIGHTS_A,
  HISTORY_BYTES,
  RESIDUAL,
  SQUASH_LIMIT,
  VALUE_APM_ROWS,
  VALUE_TABLES,
  WEIGHT_SET_BYTES,
} from "./memory";
import { FRESH } from "./decision";
import { makeTables, squash } from "./tables";

export { BASIS, CODED, MAX_CODED_BYTES, MAX_SEGMENT_BYTES, PIECE_BYTES, RESIDUAL } from "./memory";
export { finishCoder, getCodedPosition, setCodedPosition, startCoder } from "./coder";
export { codeResidual } from "./model";

/** Weights begin at a quarter. */
const FIRST_WEIGHT: i32 = 1 << 14;

/** Prepare a new instance, whose memory is zero. */
export function prepareModel(): void {
  makeTables();
  for (let row: usize = 0; row < FLAG_APM_ROWS + VALUE_APM_ROWS; row++) {
    for (let knot = 0; knot < 25; knot++) {
      const x = max(-SQUASH_LIMIT, min(SQUASH_LIMIT, knot * 256 - 3072));
      store<u16>(FLAG_APM + row * APM_ROW_BYTES + (<usize>knot << 1), <u16>squash(x));
    }
  }
  for (let at = FLAG_WEIGHTS_A; at < FLAG_TABLES; at += 4) store<i32>(at, FIRST_WEIGHT);
  // Checks begin as 0, so a context whose check is 0 finds a counter that must be fresh.
  for (let at = FLAG_TABLES; at < VALUE_TABLES; at += 4) store<u32>(at, (<u32>FRESH) << 16);
  const line = i16x8.splat(<i16>FRESH);
  for (let at = VALUE_TABLES; at < BASIS - 64; at += 32) {
    v128.store(at, i16x8.replace_lane(line, 0, 0));
    v128.store(at, line, 16);
  }
}

/** Keep the end of a finished segment of `length` bytes as history of the next. */
export function keepHistory(length: u32): void {
  memory.copy(BASIS - HISTORY_BYTES, BASIS + <usize>length - HISTORY_BYTES, HISTORY_BYTES);
  memory.copy(RESIDUAL - HISTORY_BYTES, RESIDUAL + <usize>length - HISTORY_BYTES, HISTORY_BYTES);
}
