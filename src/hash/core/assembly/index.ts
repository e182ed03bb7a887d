export { hashBlocks, hashBlocksWeak } from "./blocks";
export { countEqualBackward, countEqualForward } from "./compare";
export {
  CANDIDATES,
  FILTERS,
  INPUT,
  INPUT_BYTES,
  MAX_BLOCKS,
  MAX_CANDIDATES,
  SCAN_STATE,
  STRONG_HASHES,
  WEAK_HASHES,
} from "./memory";
export { hashWindow, powerOfMultiplier, prepareWeights } from "./rabinkarp";
export { addBytes, subtractBytes } from "./residual";
export { addToFilters, clearFilters, scan } from "./scan";
export { digestWhole, startWhole, updateWhole } from "./whole";
