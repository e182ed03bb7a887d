import { setFailed } from "./anchors";
import { setNear } from "./near";
import { setBatch } from "./seeds";
import { setFound } from "./stretches";

export { setBasis, setTarget } from "./inputs";
export { fillSlots, setSlots } from "./seeds";
export { findMatches, startPiece } from "./stretches";

const NEAR_INDEX_BYTES: usize = 1 << 15;
const BATCH_BYTES: usize = 64;
const FAILED_BYTES: usize = 64;
const FOUND_BYTES: usize = 1 << 17;
/** A stretch of a piece of 8 MiB gives a match for each 1,024 bytes of it twice at most. */
const STRETCH_BYTES: usize = 12 * ((1 << 14) + 8);

/** What an instance needs of memory for itself. */
export const SCRATCH_BYTES: usize = NEAR_INDEX_BYTES + BATCH_BYTES + FAILED_BYTES + FOUND_BYTES + STRETCH_BYTES;

/** Say where the instance's own memory is; returns where `findMatches` lists matches. */
export function setScratch(at: usize): usize {
  setNear(at);
  setBatch(at + NEAR_INDEX_BYTES);
  setFailed(at + NEAR_INDEX_BYTES + BATCH_BYTES);
  const found = at + NEAR_INDEX_BYTES + BATCH_BYTES + FAILED_BYTES;
  setFound(found, FOUND_BYTES);
  return found;
}
