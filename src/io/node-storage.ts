import { readSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, statfs, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ErrorCode, FormatError, UnsupportedError } from "../errors.ts";
import { checkRange } from "./source.ts";
import type { StorageFile, StorageFolder } from "./storage.ts";

function endsEarly(path: string, offset: number, missing: number): FormatError {
  return new FormatError(ErrorCode.TRUNCATED, `expected ${missing} more bytes, the file ends`, {
    path,
    offset,
  });
}

/** Fill all of `into` from a file; `path` is for the error. */
export async function readExactly(
  handle: FileHandle,
  path: string,
  offset: number,
  into: Uint8Array,
): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) throw endsEarly(path, offset + done, into.length - done);
    done += bytesRead;
  }
}

/** The same at once, holding up the calling thread. */
export function readExactlySync(descriptor: number, path: string, offset: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const bytesRead = readSync(descriptor, into, done, into.length - done, offset + done);
    if (bytesRead === 0) throw endsEarly(path, offset + done, into.length - done);
    done += bytesRead;
  }
}

/** Write all of `bytes`: the system may take a part at a time. */
export async function writeExactly(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
  }
}

const SYSFS_SECTOR_BYTES = 512;

/** Size of a block device, which `stat` does not tell and Node has no call for. */
async function readDeviceSize(path: string, rdev: bigint): Promise<number> {
  // Linux spreads both numbers over a 64-bit one: glibc's gnu_dev_major and gnu_dev_minor.
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  try {
    const sectors = Number(await readFile(`/sys/dev/block/${major}:${minor}/size`, "ascii"));
    if (Number.isSafeInteger(sectors * SYSFS_SECTOR_BYTES)) return sectors * SYSFS_SECTOR_BYTES;
  } catch (cause) {
    throw new UnsupportedError(ErrorCode.UNSUPPORTED_FEATURE, "cannot tell the size of a block device", {
      path,
      cause,
    });
  }
  throw new UnsupportedError(ErrorCode.UNSUPPORTED_FEATURE, "cannot tell the size of a block device", {
    path,
  });
}

async function sizeOf(handle: FileHandle, path: string): Promise<number> {
  const found = await handle.stat({ bigint: true });
  if (found.isBlockDevice()) return readDeviceSize(path, found.rdev);
  if (found.isFile()) return Number(found.size);
  throw new UnsupportedError(ErrorCode.UNSUPPORTED_FEATURE, "expected a file or a block device", { path });
}

class NodeStorageFile implements StorageFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  #size: number;

  constructor(handle: FileHandle, path: string, size: number) {
    this.#handle = handle;
    this.#path = path;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.#size, offset, into.length);
    await readExactly(this.#handle, this.#path, offset, into);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await writeExactly(this.#handle, offset, bytes);
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#handle.truncate(sizeBytes);
    this.#size = sizeBytes;
  }

  async sync(): Promise<void> {
    // Brings the size along where it changed, and spares the write of the times.
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function openWith(path: string, flags: string): Promise<StorageFile> {
  const handle = await open(path, flags, 0o666);
  try {
    return new NodeStorageFile(handle, path, await sizeOf(handle, path));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Open a file or, on Linux, a block device, for reading and writing in place.
 *
 * @throws the operating system's error (`ENOENT`, `EACCES`, …); {@link UnsupportedError} `UNSUPPORTED_FEATURE` for what
 * is neither, and for a device whose size the system does not tell.
 */
export async function openStorageFile(path: string): Promise<StorageFile> {
  return openWith(path, "r+");
}

/** Make durable which entries a folder has. */
export async function syncStorageFolder(path: string): Promise<void> {
  // Windows cannot open folders, and needs no sync of them.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Make a folder and those above it that are missing, durably. */
async function makeFolders(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let made = resolve(path); made !== top; ) {
    made = dirname(made);
    await syncStorageFolder(made);
  }
}

/**
 * Open a folder of files that are changed durably. It is made when it is missing.
 *
 * @throws the operating system's error (`EEXIST` where a file stands, `EACCES`, …).
 */
export async function openStorageFolder(path: string): Promise<StorageFolder> {
  await makeFolders(path);
  const at = (name: string) => {
    if (name === "" || name === "." || name === ".." || /[/\0]/u.test(name))
      throw new TypeError(`expected the name of an entry, got ${JSON.stringify(name)}`);
    return join(path, name);
  };
  return {
    list: () => readdir(path),
    openFile: async (name, how) => openWith(at(name), how === "new" ? "w+" : "r+"),
    remove: async (name) => unlink(at(name)),
    rename: async (from, to) => rename(at(from), at(to)),
    sync: () => syncStorageFolder(path),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(path, { bigint: true });
      return Number(bavail * bsize);
    },
  };
}
