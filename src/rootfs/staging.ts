import type { TreeHeader } from "../delta/index.ts";
import { ErrorCode, SpaceError } from "../errors.ts";
import { SyncAhead } from "../io/sync-ahead.ts";
import type { TargetNode } from "./target.ts";
import type { TreeAttributes, TreeFolder } from "./tree-folder.ts";

/** A file in the making. */
export interface StagedFile {
  readonly number: number;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

// What the journal, the config and the folder's growth take beside the contents.
const RESERVE_BYTES = 1 << 20;
// What an entry's names and attributes take.
const ENTRY_BYTES = 512;
// Above so many, one call for the whole file system is quicker than one for each file, whoever else writes to it.
const MAX_SINGLE_SYNCS = 16;
const PROBE_NAME = "probe";

/** Sync so many entries on the file system of a folder, one after another or all that there is. */
export async function syncAll(
  folder: TreeFolder,
  count: number,
  syncEach: () => Promise<void>,
): Promise<void> {
  if (count > MAX_SINGLE_SYNCS && (await folder.syncFileSystem())) return;
  await syncEach();
}

function noRoom(neededBytes: number, freeBytes: number): SpaceError {
  return new SpaceError(
    ErrorCode.NO_SPACE,
    `expected room for ${neededBytes} bytes beside the tree, found ${freeBytes}`,
    { expected: String(neededBytes), actual: String(freeBytes) },
  );
}

/** What an update takes on the disk beside the tree, at most, as its delta says; the reserve alone where it does not say. */
export function neededBytesOf(tree: TreeHeader | undefined): number {
  const { contentBytes, entryCount } = tree ?? { contentBytes: 0, entryCount: 0 };
  return contentBytes + entryCount * ENTRY_BYTES + RESERVE_BYTES;
}

/**
 * Make sure that there is room for an update before anything is written.
 *
 * @throws {@link SpaceError} `NO_SPACE`.
 */
export async function checkRoom(folder: TreeFolder, neededBytes: number): Promise<void> {
  const freeBytes = await folder.freeBytes();
  if (neededBytes > freeBytes) throw noRoom(neededBytes, freeBytes);
}

/** New files, links and devices of the target, each under a number, in a folder beside the tree. */
export class Staging {
  readonly folder: TreeFolder;
  readonly #ahead: SyncAhead;
  /** How many were staged. */
  count = 0;
  #freeBytes: number;
  /** Content bytes staged so far. */
  bytes = 0;

  private constructor(folder: TreeFolder, freeBytes: number) {
    this.folder = folder;
    this.#freeBytes = freeBytes;
    this.#ahead = new SyncAhead(() => folder.syncFileSystem());
  }

  /** @param folder - empty. */
  static async open(folder: TreeFolder): Promise<Staging> {
    return new Staging(folder, await folder.freeBytes());
  }

  /**
   * Begin a file. What a delta says of the room that it takes may be less than the truth, or nothing.
   *
   * @throws {@link SpaceError} `NO_SPACE` when there is no room for all of it.
   */
  async createFile(sizeBytes: number): Promise<StagedFile> {
    const neededBytes = this.bytes + sizeBytes + RESERVE_BYTES;
    if (neededBytes > this.#freeBytes) throw noRoom(neededBytes, this.#freeBytes);
    this.bytes += sizeBytes;
    const number = this.count++;
    const file = await this.folder.openFile(String(number), "new");
    return {
      number,
      write: async (offset, bytes) => {
        await file.write(offset, bytes);
        this.#ahead.note(bytes.length);
      },
      close: () => file.close(),
    };
  }

  /** Make a link, device or fifo; or the empty file that stands for a device. */
  async createSpecial({ type, linkText, deviceMajor, deviceMinor }: TargetNode): Promise<number> {
    if (type === "file") {
      const file = await this.createFile(0);
      await file.close();
      return file.number;
    }
    const number = this.count++;
    if (type === "symlink") await this.folder.makeSymlink(String(number), linkText);
    else if (type !== "directory") await this.folder.makeNode(String(number), type, deviceMajor, deviceMinor);
    return number;
  }

  /** Give a staged entry its attributes. */
  async dress(number: number, node: TargetNode): Promise<void> {
    await this.folder.setAttributes(String(number), node);
    if (node.xattrs.size > 0) await this.folder.changeXattrs(String(number), node.xattrs, []);
  }

  /** Find out whether entries can be given to these owners: later would be too late. */
  async tryOwners(owners: readonly TreeAttributes[]): Promise<void> {
    if (owners.length === 0) return;
    await (await this.folder.openFile(PROBE_NAME, "new")).close();
    for (const attributes of owners) await this.folder.setAttributes(PROBE_NAME, attributes);
    await this.folder.remove(PROBE_NAME);
  }

  /** Write a file under a name of its own, durably but for the name. */
  async writeFile(name: string, bytes: Uint8Array): Promise<void> {
    const file = await this.folder.openFile(name, "new");
    try {
      await file.write(0, bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Make all of it durable but for the names, which the journal's sync of the folder brings along. */
  async sync(): Promise<void> {
    await this.#ahead.settle();
    await syncAll(this.folder, this.count, async () => {
      for (let number = 0; number < this.count; number++) await this.folder.syncEntry(String(number));
    });
  }
}
