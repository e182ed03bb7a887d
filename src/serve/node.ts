/**
 * The delta service on Node: a store in a folder, deltas made in processes of their own, node:http.
 *
 * @module
 */
export { createFolderStore } from "./folder-store.ts";
export { type HttpServer, type RequestLogEntry, type ServeHttpOptions, serveHttp } from "./http-server.ts";
export type { ProcessMakerOptions } from "./maker-task.ts";
export { createProcessMaker } from "./process-maker.ts";
export type { ImagePlaces } from "./read-release-image.ts";
