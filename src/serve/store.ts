import type { Sink, Source } from "../io/index.ts";

/** What a store knows of a file without opening it. */
export interface StoredFile {
  /** Folder and name: `image/….flat`, `delta/….delta`, `release/….json`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedMs: number;
}

/** A file of a store, open for reading. */
export interface OpenStoredFile extends Source {
  /** Where the file is, if it is one of the operating system's: for makers in other processes. */
  readonly path?: string;
  close(): Promise<void>;
}

/** A file that is being written. No reader sees it before `commit`. */
export interface StoreDraft extends Sink {
  /** Where its bytes are until `commit`, if that is a file of the operating system's: for makers in other processes. */
  readonly path?: string;
  /** Make the bytes durable and give the file its name; one that has it is replaced. */
  commit(name: string): Promise<void>;
  /** Remove what was written. Does nothing after `commit`. */
  discard(): Promise<void>;
}

/**
 * Where the service keeps what it made, and what it must remember: files by name, durable, each complete or absent.
 *
 * `createFolderStore` of `flatdelta/serve/node` keeps them in a folder.
 */
export interface ServiceStore {
  list(): Promise<StoredFile[]>;
  /** @throws an error with the code `ENOENT` when there is none. */
  open(name: string): Promise<OpenStoredFile>;
  create(): Promise<StoreDraft>;
  /** Note when a file was used, for the choice of what is evicted after a restart. */
  touch(name: string, usedMs: number): Promise<void>;
  /** Remove a file. Does nothing when there is none. */
  remove(name: string): Promise<void>;
}
