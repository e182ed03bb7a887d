/**
 * Finding what target and basis share: by block, and byte by byte between two files.
 *
 * @module
 */
export * from "./blocks.ts";
export * from "./difference.ts";
export * from "./match-columns.ts";
export * from "./match-list.ts";
export { type AddMatch, PairMatcher, PIECE_BYTES } from "./pair.ts";
export { countSlots, fillSlots, SEED_BYTES } from "./seed-index.ts";
