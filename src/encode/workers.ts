import { inlineCoding, type SegmentCoding } from "../codec/index.ts";
import { inlinePairMatching, type PairMatching } from "./pair-matching.ts";

/** Who does the work of making a delta that can be done side by side. It has no part in what comes out. */
export interface DeltaWorkers {
  readonly pairMatching: PairMatching;
  readonly segmentCoding: SegmentCoding;
}

/** The calling thread does everything. */
export const inlineWorkers: DeltaWorkers = { pairMatching: inlinePairMatching, segmentCoding: inlineCoding };
