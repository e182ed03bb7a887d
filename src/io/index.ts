/**
 * Sources to read at any offset, sinks to write in order, streams with back-pressure. Platform-neutral; files are in
 * `flatdelta/node`.
 *
 * @module
 */
export * from "./next-turn.ts";
export * from "./paged.ts";
export * from "./progress.ts";
export * from "./scratch.ts";
export * from "./sink.ts";
export * from "./source.ts";
export * from "./storage.ts";
export * from "./stream.ts";
