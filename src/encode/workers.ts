import { inlineCoding, type SegmentCoding } from "../codec/index.ts";
import { inlinePairMatching, type PairMatching } from "./pair-matching.ts";
import { inlineRangeHashing, type RangeHashing } from "./range-hashing.ts";
import { inlineSketching, type Sketching } from "./sketch.ts";
import { inlineWholeHashing, type WholeHashing } from "./whole-hashing.ts";

/** Who does the work of making a delta that can be done side by side. It has no part in what comes out. */
export interface DeltaWorkers {
  readonly pairMatching: PairMatching;
  readonly rangeHashing: RangeHashing;
  readonly sketching: Sketching;
  readonly segmentCoding: SegmentCoding;
  readonly wholeHashing: WholeHashing;
}

/** The calling thread does everything. */
export const inlineWorkers: DeltaWorkers = {
  pairMatching: inlinePairMatching,
  rangeHashing: inlineRangeHashing,
  sketching: inlineSketching,
  segmentCoding: inlineCoding,
  wholeHashing: inlineWholeHashing,
};
