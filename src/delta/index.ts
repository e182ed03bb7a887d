/**
 * The delta file: its constants, header, windows and ops, to be read and written as a stream. `FORMAT.md` beside this
 * module is the specification.
 *
 * @module
 */
export * from "./account.ts";
export * from "./checksum.ts";
export * from "./decode.ts";
export * from "./envelope.ts";
export * from "./format.ts";
export { type DeltaHeader, encodeDeltaHeader, type StreamHeader } from "./header.ts";
export * from "./header-change.ts";
export { type InPlaceHeader, isInPlaceLayout } from "./in-place.ts";
export * from "./inspect.ts";
export { checkDeltaLimit, DEFAULT_DELTA_LIMITS, type DeltaLimits, FREE_EXPANSION_BYTES } from "./limits.ts";
export * from "./magic.ts";
export * from "./ops.ts";
export { encodePrimer } from "./primer.ts";
export * from "./reader.ts";
export type { TreeHeader } from "./tree.ts";
export * from "./writer.ts";
