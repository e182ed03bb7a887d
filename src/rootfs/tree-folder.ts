import type { EntryType } from "../image/types.ts";
import type { StorageFolder } from "../io/index.ts";

/** What an entry of a folder is; symlinks are not followed. */
export interface TreeStat {
  type: Exclude<EntryType, "hardlink"> | "socket";
  /** Number of the file system that it lies on. */
  device: bigint;
  inode: bigint;
  linkCount: number;
}

/** What every entry has besides its content. */
export interface TreeAttributes {
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanoseconds: number;
}

/**
 * A folder of a tree with all that Linux keeps in one. Names are binary strings, one UTF-16 unit for each byte.
 *
 * It is the folder itself, not its path: what happens to the names that led here changes nothing, and no call follows a
 * symlink, in the last place neither. So no symlink leads out of the tree, whoever puts it there and when.
 */
export interface TreeFolder extends StorageFolder {
  /** `undefined` when there is none. */
  stat(name: string): Promise<TreeStat | undefined>;
  /** As `remove`, and quicker for a name that is hardly ever a file's last. */
  unlink(name: string): Promise<void>;
  /** @throws the system's `ENOENT`, `ENOTDIR` or `ELOOP` for what is no folder. */
  openFolder(name: string): Promise<TreeFolder>;
  makeFolder(name: string): Promise<void>;
  /** Fails with `ENOTEMPTY` while something is in it. */
  removeFolder(name: string): Promise<void>;
  makeSymlink(name: string, linkText: string): Promise<void>;
  makeNode(
    name: string,
    type: "character" | "block" | "fifo",
    deviceMajor: number,
    deviceMinor: number,
  ): Promise<void>;
  /** Another name, in `toFolder`, for what is called `from` here and is no folder. */
  link(from: string, toFolder: TreeFolder, name: string): Promise<void>;
  /** Owner, mode (unless it is a symlink, which has none) and time. May drop capabilities, which are extended attributes. */
  setAttributes(name: string, attributes: TreeAttributes): Promise<void>;
  /** Extended attributes. Those in `remove` may be absent. */
  changeXattrs(name: string, set: ReadonlyMap<string, Uint8Array>, remove: readonly string[]): Promise<void>;
  /** Make durable the content and attributes of what has them of its own; of a folder, which entries it has. */
  syncEntry(name: string): Promise<void>;
  /**
   * Make durable all there is on the file system, which is quicker than one after another. `false` where that cannot be
   * asked for, and nothing was done.
   */
  syncFileSystem(): Promise<boolean>;
  close(): Promise<void>;
}
