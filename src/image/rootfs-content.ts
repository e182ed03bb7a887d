import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ErrorCode, MismatchError } from "../errors.ts";
import { checkRange, type Source } from "../io/index.ts";

/** What a file of a rootfs folder was when the folder was walked. */
export interface FileFacts {
  readonly size: number;
  /** As numbers, which takes less than big integers: of the last bits of an inode's number the time makes up. */
  readonly device: number;
  readonly inode: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
}

const NANOSECONDS = 1_000_000_000n;

/** What is known of a file. */
export function readFacts({ size, dev, ino, mtimeNs }: BigIntStats): FileFacts {
  const nanoseconds = ((mtimeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return {
    size: Number(size),
    device: Number(dev),
    inode: Number(ino),
    mtimeSeconds: Number((mtimeNs - nanoseconds) / NANOSECONDS),
    mtimeNanoseconds: Number(nanoseconds),
  };
}

// Files that stay open, so that reading one in pieces opens it once, however many files there are.
const MAX_OPEN_FILES = 64;
// No symlink in the last place is followed, and a fifo that took a file's place does not block.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

// Up to this size a file that is read whole, or at least a quarter of it, is read at one go, without the thread pool: opening, checking, reading and
// closing 10,000 small files takes a fifth of the time, and none blocks for longer than a read of this size takes.
const MAX_DIRECT_BYTES = 1 << 18;
const MIN_DIRECT_SHARE = 4;

interface OpenFile {
  handle: Promise<FileHandle>;
  readers: number;
}

/** The content of a file. An image may have a hundred thousand of them, so each keeps little. */
class FileContent implements Source, FileFacts {
  readonly #pool: FilePool;
  readonly #path: string;
  readonly size: number;
  readonly device: number;
  readonly inode: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;

  constructor(pool: FilePool, path: string, facts: FileFacts) {
    this.#pool = pool;
    this.#path = path;
    this.size = facts.size;
    this.device = facts.device;
    this.inode = facts.inode;
    this.mtimeSeconds = facts.mtimeSeconds;
    this.mtimeNanoseconds = facts.mtimeNanoseconds;
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    return this.#pool.read(this.#path, this, offset, into);
  }
}

/** Sources over many files of which only a few are open at a time. */
export class FilePool {
  readonly #folder: string;
  readonly #open = new Map<string, OpenFile>(); // Least recently used first.
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /** @param folder - the files' paths begin there; a binary string, as they are. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The content of a file as a source. Nothing is opened before the first read.
   *
   * Reading throws {@link MismatchError} `SOURCE_CHANGED` once the file is not the one that `facts` tells of.
   */
  source(path: string, facts: FileFacts): Source {
    return new FileContent(this, path, facts);
  }

  /** Read a part of a file. */
  async read(name: string, facts: FileFacts, offset: number, into: Uint8Array): Promise<void> {
    checkRange(facts.size, offset, into.length);
    this.#checkOpen();
    const path = `${this.#folder}/${name}`;
    if (facts.size <= MAX_DIRECT_BYTES && into.length * MIN_DIRECT_SHARE >= facts.size)
      return readDirectly(path, facts, offset, into);
    const file = await this.#take(path, facts);
    try {
      const handle = await file.handle;
      await readFully(handle, path, offset, into);
      // What was read last is as old as the rest only if the file is still the same afterwards.
      if (offset + into.length === facts.size) {
        checkFacts(await handle.stat({ bigint: true }), path, facts);
      }
    } finally {
      file.readers--;
      this.#waiting.shift()?.();
    }
  }

  /** Close all files. Reading afterwards fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(closeFile));
  }

  async #take(path: string, facts: FileFacts): Promise<OpenFile> {
    for (;;) {
      this.#checkOpen();
      const known = this.#open.get(path);
      if (known !== undefined || this.#open.size < MAX_OPEN_FILES) {
        const file = known ?? this.#openNew(path, facts);
        this.#open.delete(path);
        this.#open.set(path, file);
        file.readers++;
        return file;
      }
      await this.#makeRoom();
    }
  }

  #openNew(path: string, facts: FileFacts): OpenFile {
    const file = { handle: openFile(path, facts), readers: 0 };
    // The next read shall try again.
    file.handle.catch(() => {
      if (this.#open.get(path) === file) this.#open.delete(path);
    });
    return file;
  }

  #checkOpen(): void {
    if (this.#closed) throw new TypeError("rootfs: expected an open image, its files were closed");
  }

  async #makeRoom(): Promise<void> {
    for (const [path, file] of this.#open) {
      if (file.readers > 0) continue;
      this.#open.delete(path);
      return closeFile(file);
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

async function closeFile({ handle }: OpenFile): Promise<void> {
  await handle.then(
    (open) => open.close(),
    () => {},
  );
}

async function openFile(path: string, facts: FileFacts): Promise<FileHandle> {
  const handle = await open(Buffer.from(path, "latin1"), OPEN_FLAGS).catch((error: unknown) => {
    throw openError(error, path);
  });
  try {
    checkFacts(await handle.stat({ bigint: true }), path, facts);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function readDirectly(path: string, facts: FileFacts, offset: number, into: Uint8Array): void {
  let file: number;
  try {
    file = openSync(Buffer.from(path, "latin1"), OPEN_FLAGS);
  } catch (error) {
    throw openError(error, path);
  }
  try {
    checkFacts(fstatSync(file, { bigint: true }), path, facts);
    for (let done = 0; done < into.length; ) {
      const bytesRead = readSync(file, into, done, into.length - done, offset + done);
      if (bytesRead === 0) throw changed(path);
      done += bytesRead;
    }
    checkFacts(fstatSync(file, { bigint: true }), path, facts);
  } finally {
    closeSync(file);
  }
}

/** A file that was there in the walk and is not now has changed; other errors are the operating system's. */
function openError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR" ? changed(path, error) : error;
}

function checkFacts(stat: BigIntStats, path: string, facts: FileFacts): void {
  const found = readFacts(stat);
  if (
    !stat.isFile() ||
    found.size !== facts.size ||
    found.device !== facts.device ||
    found.inode !== facts.inode ||
    found.mtimeSeconds !== facts.mtimeSeconds ||
    found.mtimeNanoseconds !== facts.mtimeNanoseconds
  ) {
    throw changed(path);
  }
}

async function readFully(handle: FileHandle, path: string, offset: number, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) throw changed(path);
    done += bytesRead;
  }
}

function changed(path: string, cause?: unknown): MismatchError {
  return new MismatchError(
    ErrorCode.SOURCE_CHANGED,
    "a file changed while the folder was being read; read it again once nothing writes to it",
    { path: Buffer.from(path, "latin1").toString(), cause },
  );
}
