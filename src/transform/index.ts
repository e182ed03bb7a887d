/**
 * Predicting target bytes from basis bytes by what they mean: pure functions that encoder and applier share.
 *
 * @module
 */
export * from "./tar-time.ts";
