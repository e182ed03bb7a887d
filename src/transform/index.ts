/**
 * Predicting target bytes from basis bytes by what they mean: pure functions that encoder and applier share.
 *
 * @module
 */
export * from "./entry-scan/index.ts";
export * from "./flat-envelope.ts";
export * from "./in-place-plan.ts";
export * from "./in-place-reads.ts";
export { encodeOuterHeader } from "./outer-header.ts";
export { roundUpToBlock, sumTarBlock, TAR_BLOCK_BYTES, USTAR_SIZE_LIMIT } from "./tar-block.ts";
export * from "./tar-header.ts";
