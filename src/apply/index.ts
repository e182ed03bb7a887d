/**
 * Making a target from its basis and a delta: as a stream, or in place, verified.
 *
 * @module
 */
export { type ApplyOptions, type ApplyResult, applyDelta } from "./apply.ts";
export { applyDeltaInPlace } from "./in-place/apply-in-place.ts";
export { findPendingUpdate, type PendingUpdate } from "./in-place/pending.ts";
export type { InPlaceOptions, InPlaceResult, InPlaceTarget } from "./in-place/target.ts";
