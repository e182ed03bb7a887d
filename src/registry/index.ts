/**
 * Images and deltas in OCI registries (OCI distribution specification 1.1). Platform-neutral; what `docker login` keeps is
 * read by `flatdelta/registry/node`.
 *
 * @module
 */
export { DELTA_ANNOTATIONS, DELTA_ARTIFACT_TYPE, type DeltaFacts } from "./artifact.ts";
export { type BlobDownload, type OpenBlobOptions, openBlob } from "./blob.ts";
export { RegistryClient, type RegistryOptions, type RegistryRequest, type RegistryTarget } from "./client.ts";
export type { CredentialSource, Credentials } from "./credentials.ts";
export {
  type FindDeltasOptions,
  findDeltas,
  listDeltas,
  openDelta,
  type PublishedDelta,
  type PushDeltaOptions,
  pushDelta,
  type TargetDeltas,
} from "./deltas.ts";
export { type CallOptions, getManifest, putManifest, type StoredManifest } from "./manifest.ts";
export { type Publication, type PublishOptions, publishDelta } from "./publish.ts";
export { type ReadRegistryOptions, readRegistryImage } from "./pull.ts";
export { formatReference, parseReference, type Reference, type Repository } from "./reference.ts";
export { listReferrers, type Referrer } from "./referrers.ts";
export { type PushBlobOptions, pushBlob } from "./upload.ts";
