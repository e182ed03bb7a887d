/**
 * How the streams of a delta are coded: not at all, deflate (fflate, everywhere), brotli (node:zlib), zstd (node:zlib of
 * newer Node versions), and by context mixing for one kind of stream each, mix for residuals and ops for control. One interface, segment by segment with context carried over.
 *
 * @module
 */
export * from "./codec.ts";
export * from "./coding.ts";
export * from "./registry.ts";
