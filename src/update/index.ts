/**
 * The device's side: bring it to the image that it should have, by deltas or by a full pull, whatever goes wrong on the
 * way. Platform-neutral; files and folders are in `flatdelta/update/node`.
 *
 * @module
 */
export { type AgentOptions, type HandoverRecord, runAgent } from "./agent.ts";
export { type FollowOptions, followService, pollSource } from "./announcements.ts";
export { updateImage } from "./driver.ts";
export {
  formatUpdateEvent,
  type OnUpdateEvent,
  type UpdateAttempt,
  type UpdateEvent,
  type UpdateFallback,
  type UpdateLog,
  type UpdatePhase,
  type UpdateProgress,
} from "./events.ts";
export type { UpdateOptions, UpdateResult } from "./options.ts";
export { toPercentage } from "./percentage.ts";
export type { UpdateClock } from "./persist.ts";
export {
  DEFAULT_POLICY,
  type DeltaPolicy,
  type DeviceVariables,
  moveToFleet,
  type PolicySources,
  type ResolvedPolicy,
  resolvePolicy,
} from "./policy.ts";
export { type RegistryAccess, registryReader } from "./pull-registry.ts";
export { type RegistrySourceOptions, registrySource } from "./registry-source.ts";
export { findRule, type Remedy, RULES, type Rule, type UpdateStep } from "./rules.ts";
export { type ServiceSourceOptions, serviceSource } from "./service-source.ts";
export type { ApplyHow, InstalledImage, SiteOptions, UpdateSession, UpdateSite } from "./site.ts";
export type {
  DeltaAnswer,
  DeltaOffer,
  Digest,
  PullOptions,
  Release,
  SourceOptions,
  UpdateSource,
} from "./source.ts";
export type { Variables } from "./variables.ts";
