import { rmdir } from "node:fs/promises";
import { ErrorCode, SpaceError } from "../errors.ts";
import type { ScratchSpace, StorageFolder } from "../io/index.ts";
import { fileScratch, lockTarget, openStorageFolder } from "../io/node.ts";

/** The folder of one update, held by it alone. */
export interface WorkFolder {
  readonly path: string;
  readonly storage: StorageFolder;
  readonly scratch: ScratchSpace;
  close(): Promise<void>;
}

/**
 * Open the work folder of an image; it is made when it is missing.
 *
 * @throws {@link StateError} `IN_USE` while another update holds it.
 */
export async function openWorkFolder(path: string): Promise<WorkFolder> {
  const storage = await openStorageFolder(path);
  const lock = await lockTarget(path);
  return {
    path,
    storage,
    scratch: fileScratch(path),
    close: async () => {
      // Stays where something is in it. Gone before the lock is, so that nobody takes hold of a folder that goes.
      await rmdir(path).catch(() => {});
      await lock.release();
    },
  };
}

/** @throws {@link SpaceError} `NO_SPACE` when a folder has no room for so many bytes more. */
export async function checkRoom(folder: string, neededBytes: number, what: string): Promise<void> {
  const free = await (await openStorageFolder(folder)).freeBytes();
  if (neededBytes <= free) return;
  throw new SpaceError(
    ErrorCode.NO_SPACE,
    `expected ${neededBytes} free bytes for ${what}, found ${free}; nothing was changed`,
    { path: folder, expected: String(neededBytes), actual: String(free) },
  );
}
