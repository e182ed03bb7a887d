/**
 * Finding what target and basis share: by block, and byte by byte between two files.
 *
 * @module
 */
export * from "./blocks.ts";
export * from "./difference.ts";
export type { MatchLayout } from "./kernel/layout.ts";
export { matchPair, matchPairInput, type PairInput } from "./kernel/pair.ts";
export type { AddRecords } from "./kernel/records.ts";
export * from "./kernel/shared-pair.ts";
export * from "./match-columns.ts";
export * from "./match-list.ts";
export * from "./match-walk.ts";
export { type AddMatch, PairMatcher, PIECE_BYTES } from "./pair.ts";
export { SEED_BYTES } from "./seed-index.ts";
