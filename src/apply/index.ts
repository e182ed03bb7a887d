/**
 * Making a target from its basis and a delta: as a stream, verified.
 *
 * @module
 */
export * from "./apply.ts";
