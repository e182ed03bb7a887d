/**
 * Making a target from its basis and a delta: as a stream, or in place, verified.
 *
 * @module
 */
export { type ApplyOptions, type ApplyResult, applyDelta } from "./apply.ts";
export {
  applyDeltaInPlace,
  findPendingUpdate,
  type InPlaceOptions,
  type InPlaceResult,
  type InPlaceTarget,
  type PendingUpdate,
} from "./in-place/apply-in-place.ts";
