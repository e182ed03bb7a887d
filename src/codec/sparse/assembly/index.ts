export { pack } from "./pack";
export { unpack } from "./unpack";

/** From where on the memory is the caller's. */
export const FREE: usize = 64;
