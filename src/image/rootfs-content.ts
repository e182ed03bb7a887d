import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ErrorCode, MismatchError } from "../errors.ts";
import { checkRange, type Source } from "../io/index.ts";

/** What a file of a rootfs folder was when the folder was walked. */
export interface FileFacts {
  size: number;
  device: bigint;
  inode: bigint;
  mtimeNanoseconds: bigint;
}

// Files that stay open, so that reading one in pieces opens it once, however many files there are.
const MAX_OPEN_FILES = 64;
// No symlink in the last place is followed, and a fifo that took a file's place does not block.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

interface OpenFile {
  handle: Promise<FileHandle>;
  readers: number;
}

/** Sources over many files of which only a few are open at a time. */
export class FilePool {
  readonly #open = new Map<string, OpenFile>(); // Least recently used first.
  #closed = false;

  /**
   * The content of a file as a source. Nothing is opened before the first read.
   *
   * Reading throws {@link MismatchError} `SOURCE_CHANGED` once the file is not the one that `facts` tells of.
   *
   * @param path - as a binary string.
   */
  source(path: string, facts: FileFacts): Source {
    return {
      size: facts.size,
      read: async (offset, into) => {
        checkRange(facts.size, offset, into.length);
        const file = this.#take(path, facts);
        try {
          const handle = await file.handle;
          await readFully(handle, path, offset, into);
          // What was read last is as old as the rest only if the file is still the same afterwards.
          if (offset + into.length === facts.size) await checkFacts(handle, path, facts);
        } finally {
          file.readers--;
          await this.#shrink();
        }
      },
    };
  }

  /** Close all files. Reading afterwards fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(closeFile));
  }

  #take(path: string, facts: FileFacts): OpenFile {
    if (this.#closed) throw new TypeError("rootfs: expected an open image, its files were closed");
    let file = this.#open.get(path);
    if (file === undefined) file = { handle: openFile(path, facts), readers: 0 };
    else this.#open.delete(path);
    this.#open.set(path, file);
    file.readers++;
    return file;
  }

  async #shrink(): Promise<void> {
    for (const [path, file] of this.#open) {
      if (this.#open.size <= MAX_OPEN_FILES) return;
      if (file.readers > 0) continue;
      this.#open.delete(path);
      await closeFile(file);
    }
  }
}

async function closeFile({ handle }: OpenFile): Promise<void> {
  await handle.then(
    (open) => open.close(),
    () => {},
  );
}

async function openFile(path: string, facts: FileFacts): Promise<FileHandle> {
  const handle = await open(Buffer.from(path, "latin1"), OPEN_FLAGS).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ELOOP" || error.code === "ENOTDIR")
      throw changed(path, error);
    throw error;
  });
  try {
    await checkFacts(handle, path, facts);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function checkFacts(handle: FileHandle, path: string, facts: FileFacts): Promise<void> {
  const stat = await handle.stat({ bigint: true });
  if (
    !stat.isFile() ||
    stat.size !== BigInt(facts.size) ||
    stat.mtimeNs !== facts.mtimeNanoseconds ||
    stat.dev !== facts.device ||
    stat.ino !== facts.inode
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
