/**
 * The delta service: releases are announced to it and by it, devices ask it for deltas. A function from the web's `Request`
 * to its `Response`; what Node adds is in `flatdelta/serve/node`. docs/SERVICE.md is the protocol.
 *
 * @module
 */
export type { AccessToken, Right } from "./access.ts";
export {
  createInlineMaker,
  type FlattenedRelease,
  type InlineMakerOptions,
  type MadeDelta,
  type Maker,
  type MakerContext,
  type ReleaseImage,
} from "./maker.ts";
export type { ImagePolicy } from "./names.ts";
export type { DeltaServiceOptions, ServiceEvent, ServiceLimits } from "./options.ts";
export type { ServiceCode } from "./problem.ts";
export type { Announcement, ReadyRelease, Release } from "./releases.ts";
export { createDeltaService, type DeltaService, type Peer } from "./service.ts";
export type { OpenStoredFile, ServiceStore, StoreDraft, StoredFile } from "./store.ts";
