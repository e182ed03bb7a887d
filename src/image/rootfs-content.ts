import { type BigIntStats, closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
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

// Up to this size a file that is read whole, or at least a quarter of it, is read at once, not by the thread pool: 10,000 small files take a
// fifth of the time, and none blocks for longer than a read of this size takes.
const MAX_DIRECT_BYTES = 1 << 18;
const MIN_DIRECT_SHARE = 4;

interface OpenFile {
  readonly descriptor: number;
  /** Reads that are under way. */
  readers: number;
}

const readDescriptor = promisify(read);

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

  readSync(offset: number, into: Uint8Array): void {
    this.#pool.readSync(this.#path, this, offset, into);
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
    if (isDirect(facts, into.length)) return this.readSync(name, facts, offset, into);
    const path = this.#check(name, facts, offset, into);
    let file = this.#take(path, facts);
    while (file === undefined) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
      this.#checkOpen();
      file = this.#take(path, facts);
    }
    file.readers++;
    try {
      const { descriptor } = file;
      for (let done = 0; done < into.length; ) {
        const left = into.length - done;
        const { bytesRead } = await readDescriptor(descriptor, into, done, left, offset + done);
        if (bytesRead === 0) throw changed(path);
        done += bytesRead;
      }
      checkAtEnd(descriptor, path, facts, offset + into.length);
    } finally {
      file.readers--;
      // A pool that was closed meanwhile has left that to its last reader.
      if (this.#closed && file.readers === 0) closeSync(file.descriptor);
      this.#waiting.shift()?.();
    }
  }

  /** Read a part of a file at once. */
  readSync(name: string, facts: FileFacts, offset: number, into: Uint8Array): void {
    const path = this.#check(name, facts, offset, into);
    // Who reads all of it does not come again soon.
    if (into.length === facts.size) {
      readWhole(path, facts, into);
      return;
    }
    const file = this.#take(path, facts);
    const descriptor = file?.descriptor ?? openFile(path, facts);
    try {
      readPart(descriptor, path, offset, into);
      checkAtEnd(descriptor, path, facts, offset + into.length);
    } finally {
      if (file === undefined) closeSync(descriptor);
    }
  }

  /** Close all files. Reading afterwards fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { descriptor, readers } of this.#open.values()) if (readers === 0) closeSync(descriptor);
    this.#open.clear();
  }

  #check(name: string, facts: FileFacts, offset: number, into: Uint8Array): string {
    checkRange(facts.size, offset, into.length);
    this.#checkOpen();
    return `${this.#folder}/${name}`;
  }

  #checkOpen(): void {
    if (this.#closed) throw new TypeError("rootfs: expected an open image, its files were closed");
  }

  /** The open file; `undefined` when it is not open, and all that are have readers. */
  #take(path: string, facts: FileFacts): OpenFile | undefined {
    const known = this.#open.get(path);
    if (known === undefined && this.#open.size >= MAX_OPEN_FILES && !this.#makeRoom()) return undefined;
    const file = known ?? { descriptor: openFile(path, facts), readers: 0 };
    this.#open.delete(path);
    this.#open.set(path, file);
    return file;
  }

  #makeRoom(): boolean {
    for (const [path, { descriptor, readers }] of this.#open) {
      if (readers > 0) continue;
      this.#open.delete(path);
      closeSync(descriptor);
      return true;
    }
    return false;
  }
}

function isDirect({ size }: FileFacts, length: number): boolean {
  return size <= MAX_DIRECT_BYTES && length * MIN_DIRECT_SHARE >= size;
}

function readPart(descriptor: number, path: string, offset: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const bytesRead = readSync(descriptor, into, done, into.length - done, offset + done);
    if (bytesRead === 0) throw changed(path);
    done += bytesRead;
  }
}

/** Read a file from its first byte to its last. One look at it, behind the last, tells as much as two. */
function readWhole(path: string, facts: FileFacts, into: Uint8Array): void {
  const descriptor = openPath(path);
  try {
    readPart(descriptor, path, 0, into);
  } finally {
    try {
      // Before what reading has failed with: a folder or a fifo in its place cannot be read.
      checkFacts(fstatSync(descriptor, { bigint: true }), path, facts);
    } finally {
      closeSync(descriptor);
    }
  }
}

function openPath(path: string): number {
  try {
    return openSync(Buffer.from(path, "latin1"), OPEN_FLAGS);
  } catch (error) {
    throw openError(error, path);
  }
}

function openFile(path: string, facts: FileFacts): number {
  const descriptor = openPath(path);
  try {
    checkFacts(fstatSync(descriptor, { bigint: true }), path, facts);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** What was read last is as old as the rest only if the file is still the same afterwards. */
function checkAtEnd(descriptor: number, path: string, facts: FileFacts, readEnd: number): void {
  if (readEnd === facts.size) checkFacts(fstatSync(descriptor, { bigint: true }), path, facts);
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

function changed(path: string, cause?: unknown): MismatchError {
  return new MismatchError(
    ErrorCode.SOURCE_CHANGED,
    "a file changed while the folder was being read; read it again once nothing writes to it",
    { path: Buffer.from(path, "latin1").toString(), cause },
  );
}
