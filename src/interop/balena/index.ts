/** Delta images of balenaEngine. */
export { type ApplyBalenaDeltaOptions, type ApplyBalenaDeltaResult, applyBalenaDelta } from "./apply.ts";
export { checkBalenaDelta } from "./check.ts";
export { type BalenaDeltaStats, type CreateBalenaDeltaOptions, createBalenaDelta } from "./create.ts";
export type { BalenaLabels, ConfigFacts } from "./format.ts";
export { type BalenaDeltaInfo, type BalenaLayer, inspectBalenaDelta, isBalenaDelta } from "./inspect.ts";
