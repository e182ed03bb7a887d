import { link, readFile, stat, unlink, writeFile } from "node:fs/promises";
import type { Server } from "node:net";
import { ErrorCode, StateError } from "../errors.ts";

/** A target that no other process of flatdelta changes until it is released. */
export interface TargetLock {
  release(): Promise<void>;
}

function inUse(path: string): StateError {
  return new StateError(
    ErrorCode.IN_USE,
    "another process is changing the target; wait until it is done, or end it",
    { path },
  );
}

/**
 * Make sure that no other process changes the same target, until `release` or the end of this process, however it ends.
 *
 * On Linux the kernel holds the lock, in the name of the file or folder itself (device and inode), so that other paths
 * to it are no way around, and a process that was killed leaves nothing behind; containers with network namespaces of
 * their own do not see each other's. Elsewhere it is a file with the process' number beside the target.
 *
 * @throws {@link StateError} `IN_USE`; the operating system's error when the target is not there.
 */
export async function lockTarget(path: string): Promise<TargetLock> {
  const { dev, ino } = await stat(path, { bigint: true });
  return process.platform === "linux" ? lockByName(path, `${dev}-${ino}`) : lockByFile(path);
}

async function lockByName(path: string, name: string): Promise<TargetLock> {
  // Loaded here, since most commands lock nothing.
  const { createServer } = await import("node:net");
  // The NUL makes the name an abstract one: of no file, and free again as soon as nobody listens.
  const server = createServer().unref();
  try {
    await listen(server, `\0flatdelta-target-${name}`);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? inUse(path) : error;
  }
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function listen(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(name, resolve);
  });
}

/** @internal The lock where there are no abstract sockets. */
export async function lockByFile(path: string): Promise<TargetLock> {
  const lockPath = `${path.replace(/[/\\]+$/u, "")}.flatdelta.lock`;
  const ownPath = `${lockPath}.${process.pid}`;
  await writeFile(ownPath, String(process.pid));
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        // A lock appears with its number in it: nobody ever sees an empty one.
        await link(ownPath, lockPath);
        return { release: () => unlink(lockPath) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        if (attempt > 0 || (await isHeld(lockPath))) throw inUse(path);
        // The process that made it is gone.
        await unlink(lockPath).catch(() => {});
      }
    }
  } finally {
    await unlink(ownPath);
  }
}

async function isHeld(lockPath: string): Promise<boolean> {
  const holder = Number(await readFile(lockPath, "utf8").catch(() => "0"));
  if (!Number.isSafeInteger(holder) || holder <= 0) return false;
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
