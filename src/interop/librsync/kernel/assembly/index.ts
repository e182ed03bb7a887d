export { addToFilter, clearFilter } from "./filter";
export { CANDIDATES, ENTERING, FILTER, INPUT, INPUT_BYTES, LEAVING, MAX_POSITIONS, NEXT_HASH } from "./memory";
export { scanRabinKarp, scanRollsum } from "./scan";
export { updateRabinKarp, updateRollsum } from "./weak";
