/**
 * Files: the only part of `io` that knows `node:` modules.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { constants, type FileHandle, mkdtemp, open, rename, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { readExactly, readExactlySync, writeExactly } from "./node-storage.ts";
import type { ScratchSpace } from "./scratch.ts";
import type { ReadableSink, ResumableSink } from "./sink.ts";
import { checkRange, type Source } from "./source.ts";
import { SyncAhead } from "./sync-ahead.ts";

export { lockTarget, type TargetLock } from "./node-lock.ts";
export { openStorageFile, openStorageFolder } from "./node-storage.ts";

/** A source that holds a file open until it is closed. */
export interface FileSource extends Source {
  /** The file's descriptor, which all threads of the process can read from. */
  readonly descriptor: number;
  close(): Promise<void>;
}

function handleSource(handle: FileHandle, path: string, size: number): FileSource {
  return {
    size,
    descriptor: handle.fd,
    read: async (offset, into) => {
      checkRange(size, offset, into.length);
      await readExactly(handle, path, offset, into);
    },
    readSync: (offset, into) => {
      checkRange(size, offset, into.length);
      readExactlySync(handle.fd, path, offset, into);
    },
    close: () => handle.close(),
  };
}

/**
 * Open a file (or block device) for reading at any offset.
 *
 * @throws the operating system's error (`ENOENT`, `EACCES`, …); `EISDIR` for a folder.
 */
export async function openFileSource(path: string): Promise<FileSource> {
  const handle = await open(path, "r");
  try {
    const stat = await handle.stat();
    if (stat.isDirectory())
      throw Object.assign(new Error(`EISDIR: expected a file, found a folder: ${path}`), { code: "EISDIR" });
    return handleSource(handle, path, stat.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A file that appears under its name only when it is complete: see {@link createAtomicFile}. */
export interface AtomicFile extends ReadableSink {
  /** Where the bytes are until `commit`: for another process that writes them. */
  readonly temporaryPath: string;
  /**
   * Sync the bytes, give the file its name, sync the folder.
   *
   * @param as - another name than the one it was created for, where that follows from what was written.
   */
  commit(as?: string): Promise<void>;
  /** Remove what was written. Does nothing after `commit`. */
  discard(): Promise<void>;
}

/**
 * Write a file beside its final name and give it the name at `commit`, so that no reader and no power cut ever sees a
 * part of it. An existing file of that name stays untouched until then.
 */
export async function createAtomicFile(path: string): Promise<AtomicFile> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
  const handle = await open(temporary, "wx+", 0o666);
  const ahead = new SyncAhead(() => handle.datasync());
  let offset = 0;
  let state: "open" | "committed" | "discarded" = "open";
  return {
    temporaryPath: temporary,
    write: async (bytes) => {
      await writeExactly(handle, offset, bytes);
      offset += bytes.length;
      ahead.note(bytes.length);
    },
    readWritten: (start, into) => readExactly(handle, temporary, start, into),
    commit: async (as = path) => {
      await ahead.settle();
      await handle.sync();
      await rename(temporary, as);
      state = "committed";
      await handle.close();
      await syncFolder(dirname(as));
    },
    discard: async () => {
      if (state !== "open") return;
      state = "discarded";
      await handle.close();
      await unlink(temporary);
    },
  };
}

/** A file that is made in several runs: see {@link createResumableFile}. */
export interface ResumableFile extends ResumableSink, ReadableSink {
  /** Sync the bytes, give the file its name, sync the folder. */
  commit(): Promise<void>;
  /** Leave what is there for a later run. */
  keep(): Promise<void>;
  /** Remove what is there. */
  discard(): Promise<void>;
}

/**
 * Write a file beside its final name (`.NAME.part`), and go on with what an earlier run left there. An existing file of the final name
 * stays untouched until `commit`.
 */
export async function createResumableFile(path: string): Promise<ResumableFile> {
  const temporary = join(dirname(path), `.${basename(path)}.part`);
  const handle = await open(temporary, constants.O_RDWR | constants.O_CREAT, 0o666);
  const ahead = new SyncAhead(() => handle.datasync());
  let offset = 0;
  return {
    existing: handleSource(handle, temporary, (await handle.stat()).size),
    continueAt: async (start) => {
      await handle.truncate(start);
      offset = start;
    },
    write: async (bytes) => {
      await writeExactly(handle, offset, bytes);
      offset += bytes.length;
      ahead.note(bytes.length);
    },
    readWritten: (start, into) => readExactly(handle, temporary, start, into),
    commit: async () => {
      await ahead.settle();
      await handle.sync();
      await rename(temporary, path);
      await handle.close();
      await syncFolder(dirname(path));
    },
    keep: () => handle.close(),
    discard: async () => {
      await handle.close();
      await unlink(temporary);
    },
  };
}

/** Errors by which a system says that something is lost, and not that a folder cannot be synced. */
const LOSSES: ReadonlySet<unknown> = new Set(["EIO", "ENOSPC", "EDQUOT"]);

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => undefined); // Windows cannot open folders; nothing to sync there.
  try {
    await handle?.sync();
  } catch (error) {
    if (LOSSES.has((error as NodeJS.ErrnoException).code)) throw error;
  } finally {
    await handle?.close();
  }
}

/**
 * Scratch files in a folder of their own below `folder` (the system's temporary folder by default). Each is unlinked
 * as soon as it is open, so that nothing is left behind however the process ends.
 */
export function fileScratch(folder: string = tmpdir()): ScratchSpace {
  return async () => {
    const own = await mkdtemp(join(folder, "flatdelta-"));
    const path = join(own, "scratch");
    const handle = await open(path, "wx+", 0o600);
    await rm(own, { recursive: true });
    let size = 0;
    let released = false;
    return {
      write: async (bytes) => {
        await writeExactly(handle, size, bytes);
        size += bytes.length;
      },
      finish: async () => {
        const { close: _, ...source } = handleSource(handle, path, size);
        return source;
      },
      release: async () => {
        if (released) return;
        released = true;
        await handle.close();
      },
    };
  };
}
