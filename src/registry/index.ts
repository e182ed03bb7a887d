/**
 * Images in OCI registries (OCI distribution specification 1.1). Platform-neutral; what `docker login` keeps is read by
 * `flatdelta/registry/node`.
 *
 * @module
 */
export { type BlobDownload, type OpenBlobOptions, openBlob } from "./blob.ts";
export { RegistryClient, type RegistryOptions, type RegistryRequest, type RegistryTarget } from "./client.ts";
export type { CredentialSource, Credentials } from "./credentials.ts";
export { type CallOptions, getManifest, putManifest, type StoredManifest } from "./manifest.ts";
export { type ReadRegistryOptions, readRegistryImage } from "./pull.ts";
export { formatReference, parseReference, type Reference, type Repository } from "./reference.ts";
