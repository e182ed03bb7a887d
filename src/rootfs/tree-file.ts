import { closeSync, fsync, ftruncateSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { checkRange, type StorageFile } from "../io/index.ts";
import { readExactlySync } from "../io/node-storage.ts";

// What is no longer is written at once: handing it to another thread takes as long, and most files of an image are short.
const MAX_DIRECT_BYTES = 1 << 16;

const writeDescriptor = promisify(write);
const syncDescriptor = promisify(fsync);

/** A file of a staging folder, by its descriptor. */
export class TreeFile implements StorageFile {
  readonly #descriptor: number;
  size: number;

  constructor(descriptor: number, size: number) {
    this.#descriptor = descriptor;
    this.size = size;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(this.size, offset, into.length);
    readExactlySync(this.#descriptor, "a file of the staging folder", offset, into);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      done +=
        left <= MAX_DIRECT_BYTES
          ? writeSync(this.#descriptor, bytes, done, left, offset + done)
          : (await writeDescriptor(this.#descriptor, bytes, done, left, offset + done)).bytesWritten;
    }
    this.size = Math.max(this.size, offset + bytes.length);
  }

  async truncate(sizeBytes: number): Promise<void> {
    ftruncateSync(this.#descriptor, sizeBytes);
    this.size = sizeBytes;
  }

  sync(): Promise<void> {
    return syncDescriptor(this.#descriptor);
  }

  async close(): Promise<void> {
    closeSync(this.#descriptor);
  }
}
