/**
 * Images in a Docker engine: reading them out of it and loading flat images into it, over its socket (Docker Engine API).
 * For Node.
 *
 * @module
 */
export { type LoadedImage, type LoadImageOptions, loadEngineImage } from "./load.ts";
export { type ReadEngineOptions, readEngineImage } from "./read.ts";
