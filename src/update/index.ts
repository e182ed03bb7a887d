/**
 * The device's side.
 *
 * @module
 */
export {
  DEFAULT_POLICY,
  type DeltaPolicy,
  type DeviceVariables,
  moveToFleet,
  type PolicySources,
  type ResolvedPolicy,
  resolvePolicy,
} from "./policy.ts";
export type { Variables } from "./variables.ts";
