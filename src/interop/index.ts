/**
 * Formats of other tools: reading what they write, and writing what they read.
 *
 * None of them names its basis and its target as flatdelta's own delta does. Whoever knows a digest should give it, so that a
 * wrong basis is refused instead of making a wrong target.
 *
 * @module
 */
export * from "./format.ts";
