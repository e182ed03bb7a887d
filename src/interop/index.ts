/**
 * Formats of other tools: reading what they write, and writing what they read.
 *
 * None of them names its basis and its target as flatdelta's own delta does. Whoever knows a digest should give it, so that a
 * wrong basis is refused instead of making a wrong target.
 *
 * @module
 */
export * from "./balena/index.ts";
export { type ApplyBsdiffOptions, type ApplyBsdiffResult, applyBsdiff } from "./bsdiff/apply.ts";
export { type BsdiffCheck, type CheckBsdiffOptions, checkBsdiff } from "./bsdiff/check.ts";
export { type BsdiffLimits, DEFAULT_BSDIFF_LIMITS } from "./bsdiff/format.ts";
export { type BsdiffInfo, inspectBsdiff } from "./bsdiff/reader.ts";
export * from "./format.ts";
export * from "./librsync/index.ts";
export { DEFAULT_TARGET_LIMITS, type TargetLimits } from "./target-limits.ts";
export { type ApplyVcdiffOptions, type ApplyVcdiffResult, applyVcdiff } from "./vcdiff/apply.ts";
export { type CheckVcdiffOptions, checkVcdiff, type VcdiffCheck } from "./vcdiff/check.ts";
export { type CreateVcdiffOptions, type CreateVcdiffStats, createVcdiff } from "./vcdiff/create.ts";
export { DEFAULT_VCDIFF_LIMITS, type VcdiffLimits } from "./vcdiff/format.ts";
export { inspectVcdiff, type VcdiffInfo } from "./vcdiff/inspect.ts";
export type { VcdiffReaderOptions } from "./vcdiff/reader.ts";
export type { VcdiffTotals } from "./vcdiff/window-decoder.ts";
