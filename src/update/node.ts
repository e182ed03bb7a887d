/**
 * Where devices keep their image: a flat image in a file, or an unpacked root file system.
 *
 * @module
 */
export { type FlatFileOptions, flatFile } from "./flat-file.ts";
export { type RootfsFolderOptions, rootfsFolder } from "./rootfs-folder.ts";
