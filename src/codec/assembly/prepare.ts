import { APM_ROW_BYTES, SQUASH_LIMIT } from "./layout";
import { squash } from "./tables";

/** Weights begin at an eighth: two are added. */
const FIRST_WEIGHT: i16 = 1 << 10;

/** Prepare maps: each gives what it is given. */
export function prepareMaps(at: usize, rows: usize): void {
  for (let row: usize = 0; row < rows; row++) {
    for (let knot = 0; knot < 25; knot++) {
      const x = max(-SQUASH_LIMIT, min(SQUASH_LIMIT, knot * 256 - 3072));
      store<u16>(at + row * APM_ROW_BYTES + (<usize>knot << 1), <u16>squash(x));
    }
  }
}

export function prepareWeights(from: usize, to: usize): void {
  for (let at = from; at < to; at += 2) store<i16>(at, FIRST_WEIGHT);
}
