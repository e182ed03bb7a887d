import { close, closeSync, constants, fstatSync, openSync } from "node:fs";
import { errorCodeOf } from "../errors.ts";

/** Opens nothing for reading or writing, not even a device: only says which entry it is, and holds it. Linux's O_PATH. */
export const O_PATH = 0o10000000;

// So many entries wait for being freed at most: each has a handle.
const MAX_WAITING = 64;

const waiting = new Set<Promise<void>>();

/** A handle of what is at a path, if that is a folder or a file with no other name. */
function holdLast(path: Buffer): number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const stats = fstatSync(descriptor);
  if (stats.isDirectory() || (stats.isFile() && stats.nlink === 1)) return descriptor;
  closeSync(descriptor);
  return undefined;
}

/**
 * Take an entry's last name away by `change`, and let another thread free it: who closes its last handle does so. That takes up to
 * a millisecond where the disk is told which blocks it may forget.
 *
 * @param path - of the entry; there may be none.
 */
export async function releaseEntry(path: Buffer, change: () => void): Promise<void> {
  const descriptor = holdLast(path);
  try {
    change();
  } finally {
    if (descriptor !== undefined) {
      const freed = new Promise<void>((resolve) => {
        close(descriptor, () => resolve());
      });
      waiting.add(freed);
      void freed.then(() => waiting.delete(freed));
    }
  }
  if (waiting.size > MAX_WAITING) await Promise.race(waiting);
}

/** Wait until all that was let go of is freed. */
export async function waitForReleases(): Promise<void> {
  await Promise.all(waiting);
}
