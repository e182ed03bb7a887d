import type { Source } from "./source.ts";

/**
 * A file that is read and written at any offset, and whose bytes are made durable: what applying in place works on.
 *
 * What was written is certain to survive a power cut only once `sync` is fulfilled. Before that any of it may be lost, in
 * any order, and a sector that was being written may hold anything.
 */
export interface StorageFile extends Source {
  /** Size in bytes as it is now. */
  readonly size: number;
  /**
   * Write all of `bytes` at `offset`. A write past the end grows the file.
   *
   * @throws the storage's error (`ENOSPC`, `EIO`, …); then any part of the range may be written.
   */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Cut the file off at `sizeBytes`, or grow it with zeros. */
  truncate(sizeBytes: number): Promise<void>;
  /** Make durable what was written and truncated before. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A folder of such files. Names are those of entries directly in it. */
export interface StorageFolder {
  /** Names of the entries, in no particular order. */
  list(): Promise<string[]>;
  /**
   * Open a file for reading and writing.
   *
   * @param how - `"existing"` fails with `ENOENT` when there is none; `"new"` makes an empty one, in place of what was there.
   */
  openFile(name: string, how: "existing" | "new"): Promise<StorageFile>;
  /** Remove a file. Fails with `ENOENT` when there is none. */
  remove(name: string): Promise<void>;
  /** Give a file another name; a file that has it is replaced at once. */
  rename(from: string, to: string): Promise<void>;
  /** Make durable which entries there are: those made, renamed and removed before. */
  sync(): Promise<void>;
  /** Bytes that can still be written, as far as the storage can tell. */
  freeBytes(): Promise<number>;
}
