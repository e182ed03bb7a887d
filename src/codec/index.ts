/**
 * How the streams of a delta are coded, segment by segment with context carried over: not at all, deflate (fflate,
 * everywhere), brotli (node:zlib), zstd (node:zlib of newer Node versions), lz, and by context mixing for one kind of stream each,
 * mix for residuals and ops for control. `flatdelta/codec/node` codes on threads.
 *
 * @module
 */
export * from "./alone.ts";
export * from "./codec.ts";
export * from "./coding.ts";
export type { FoundMatches } from "./lz/finder.ts";
export type { ResidualSpans } from "./mix/index.ts";
export * from "./registry.ts";
