/**
 * Images: readers of docker-archives and OCI layouts, and the flat image. Platform-neutral; files and folders are in
 * `flatdelta/image/node`.
 *
 * @module
 */
export type { OpenArchiveOptions } from "./archive.ts";
export { type ReadDockerOptions, readDockerArchive } from "./docker.ts";
export {
  type FlatImage,
  type FlattenOptions,
  type FlatVerification,
  flattenImage,
  isFlatImage,
  openFlatImage,
  type VerifyFlatOptions,
  verifyFlatImage,
} from "./flat.ts";
export type { ReadLimits } from "./limits.ts";
export {
  type FileTransport,
  type ImageName,
  type ImageTransport,
  parseImageName,
  type RemoteTransport,
} from "./name.ts";
export { type ReadOciOptions, readOciArchive } from "./oci.ts";
export { defaultPlatform, formatPlatform, type Platform, parsePlatform } from "./platform.ts";
export type {
  ContentDescriptor,
  EntryType,
  Image,
  ImageLayer,
  LayerEntry,
  ManifestImage,
} from "./types.ts";
