import { lstat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ErrorCode, StateError } from "../errors.ts";

/** In the staging folder: its presence means that an update is to be completed. */
export const JOURNAL_NAME = "journal";

/** Names of what stands beside a rootfs folder and belongs to it. */
export interface RootfsSite {
  /** The folder that it lies in. */
  parent: string;
  name: string;
  /** Of the folder in which an update is prepared. */
  stagingName: string;
  /** Of the file that says what the tree cannot: see `rootfs-sidecar.ts`. */
  sidecarName: string;
}

/** @param root - the real path of the rootfs folder. */
export function locateRootfs(root: string): RootfsSite {
  const name = basename(root);
  return {
    parent: dirname(root),
    name,
    stagingName: `.${name}.flatdelta`,
    sidecarName: `.${name}.flatdelta.json`,
  };
}

/**
 * Refuse a folder of which an update was interrupted: it is neither the old tree nor the new one.
 *
 * @throws {@link StateError} `UPDATE_PENDING`.
 */
export async function checkNothingPending(root: string): Promise<void> {
  const { parent, stagingName } = locateRootfs(root);
  const found = await lstat(join(parent, stagingName, JOURNAL_NAME)).catch(() => undefined);
  if (found === undefined) return;
  throw new StateError(
    ErrorCode.UPDATE_PENDING,
    "an update of this folder was interrupted; complete it with flatdelta patch --resume",
    { path: root },
  );
}
