/**
 * Applying to files in place, also to block devices.
 *
 * @module
 */
import { realpath, rmdir, stat } from "node:fs/promises";
import { ErrorCode, UnsupportedError } from "../errors.ts";
import type { ByteInput } from "../io/index.ts";
import { lockTarget, openStorageFile, openStorageFolder } from "../io/node.ts";
import { applyDeltaInPlace } from "./in-place/apply-in-place.ts";
import { removeFiles } from "./in-place/files.ts";
import { findPendingUpdate, type PendingUpdate } from "./in-place/pending.ts";
import type { InPlaceOptions, InPlaceResult } from "./in-place/target.ts";

/** Options of {@link patchFileInPlace}. */
export interface PatchFileOptions extends InPlaceOptions {
  /** Folder for journal, spool and stash: `PATH.flatdelta` unless said otherwise. Needed for a block device. */
  scratch?: string | undefined;
}

/** The scratch folder of a file: the same one, whatever links lead to it. */
async function scratchOf(path: string, scratch: string | undefined): Promise<string> {
  return scratch ?? `${await realpath(path)}.flatdelta`;
}

/**
 * Apply a delta to a file or block device in place: see {@link applyDeltaInPlace}. No other process can do so to the same one
 * meanwhile.
 *
 * ```ts
 * const delta = await openFileSource("update.delta");
 * const { done } = await patchFileInPlace("app.flat", delta);
 * ```
 *
 * @param delta - in order; `undefined` completes an update that was interrupted.
 * @throws as {@link applyDeltaInPlace}; {@link StateError} `IN_USE`; {@link UnsupportedError} `UNSUPPORTED_FEATURE` for a block
 * device without `scratch`; the operating system's errors.
 */
export async function patchFileInPlace(
  path: string,
  delta: ByteInput | undefined,
  options: PatchFileOptions = {},
): Promise<InPlaceResult> {
  const isDevice = (await stat(path)).isBlockDevice();
  if (isDevice && options.scratch === undefined) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "expected a scratch folder on another disk for the update of a block device",
      { path },
    );
  }
  const lock = await lockTarget(path);
  const folder = await scratchOf(path, options.scratch);
  try {
    const file = await openStorageFile(path);
    try {
      const scratch = await openStorageFolder(folder);
      return await applyDeltaInPlace({ file, scratch, hasFixedSize: isDevice }, delta, options);
    } finally {
      await file.close();
      // Stays where something is in it: an update to be completed, or what is not ours.
      await rmdir(folder).catch(() => {});
    }
  } finally {
    await lock.release();
  }
}

/** Whether an update of a file or block device was interrupted. */
export async function findPendingFileUpdate(
  path: string,
  scratch?: string,
): Promise<PendingUpdate | undefined> {
  const folder = await scratchOf(path, scratch);
  const found = await stat(folder).catch(() => undefined);
  return found?.isDirectory() === true ? findPendingUpdate(await openStorageFolder(folder)) : undefined;
}

/**
 * Forget an update of a file or block device that was interrupted and is not to be completed, since what it left behind is of no
 * use (`BAD_STATE`) or the file is about to be replaced as a whole. Where something was overwritten already, the file is neither basis nor
 * target, and stays so.
 *
 * @throws {@link StateError} `IN_USE`; the operating system's errors.
 */
export async function forgetFileUpdate(path: string, scratch?: string): Promise<void> {
  const lock = await lockTarget(path);
  try {
    const folder = await scratchOf(path, scratch);
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() !== true) return;
    await removeFiles(await openStorageFolder(folder));
    await rmdir(folder).catch(() => {});
  } finally {
    await lock.release();
  }
}
