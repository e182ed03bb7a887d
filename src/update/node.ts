/**
 * Where devices keep their image, a flat image in a file or an unpacked root file system, and what an agent remembers.
 *
 * @module
 */
export { type FlatFileOptions, flatFile } from "./flat-file.ts";
export { fileHandover } from "./handover-file.ts";
export { type RootfsFolderOptions, rootfsFolder } from "./rootfs-folder.ts";
