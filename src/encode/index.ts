/**
 * Making deltas: choosing what of the basis each part of the target is made from, and coding the rest.
 *
 * @module
 */
export type { WholeHashes } from "../hash/index.ts";
export type { ScannedTar } from "../transform/index.ts";
export * from "./create.ts";
export type { InPlaceSettings } from "./in-place.ts";
export type { EntrySpan, EnvelopeSpan, IndexedInput, IndexOptions, SourceIndex } from "./input.ts";
export type { BasisRange } from "./joined-basis.ts";
export { DEFAULT_LEVEL, DELTA_CODECS, type DeltaCodec } from "./levels.ts";
export {
  type MatchedInputs,
  type MatchedSide,
  type MatchInputOptions,
  matchInputs,
} from "./match-inputs.ts";
export type { Pair, PairMatching, PairSources } from "./pair-matching.ts";
export type { RangeHashing } from "./range-hashing.ts";
export type { Sketching } from "./sketch.ts";
export {
  hashWholeSource,
  type WholeHashing,
  type WholePass,
  type WholePassOptions,
} from "./whole-hashing.ts";
export type { DeltaWorkers } from "./workers.ts";
