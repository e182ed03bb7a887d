/**
 * Updating an unpacked root file system in place, so that a power cut leaves the old tree or one that is completed. Needs
 * Linux.
 *
 * @module
 */
export {
  type ApplyToRootfsOptions,
  applyDeltaToRootfs,
  findPendingRootfsUpdate,
  type RootfsOptions,
  resumeRootfs,
} from "./apply.ts";
export type { PendingUpdate, UpdateTreeResult } from "./update.ts";
