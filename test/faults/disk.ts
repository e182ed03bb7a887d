/**
 * A disk in memory that can lose its power: the oracle for everything that must survive that.
 *
 * It keeps two views. `now` is what the running process sees. What surely survives is the durable view: what was synced,
 * the bytes of a file by the file's `sync`, names by the folder's. Between the two lie the pending changes; after a cut a
 * real disk may have done any of them, in any order, some in part, and {@link SimulatedDisk.states} makes such disks.
 *
 * @module
 */
import { checkRange } from "../../src/io/index.ts";
import type { StorageFile } from "../../src/io/storage.ts";
import type { TreeAttributes, TreeFolder } from "../../src/rootfs/tree-folder.ts";
import {
  type Attributes,
  applyChange,
  type Change,
  canBePartial,
  copyInodes,
  dropUnreachable,
  type Inode,
  type Inodes,
  type InodeType,
  ROOT,
} from "./inodes.ts";
import { seededRandom } from "./random.ts";

/** The power is gone: this call and all later ones fail, and the process with them. */
export class PowerCut extends Error {
  override name = "PowerCut";
}

/** An error as the operating system's calls reject with. */
function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

export type OperationKind =
  | "write"
  | "truncate"
  | "sync file"
  | "sync folder"
  | "create"
  | "rename"
  | "remove"
  | "link"
  | "symlink"
  | "mkdir"
  | "rmdir"
  | "mknod"
  | "metadata";

/** A call that changed something or made it durable. */
export interface Operation {
  kind: OperationKind;
  /** What it was about, for people. */
  what: string;
}

/** How an operation fails while the disk goes on; SHORT writes half and then finds no space. */
export type Failure = "ENOSPC" | "EIO" | "SHORT";

/** What an entry is. */
export interface SimulatedStat extends Attributes {
  type: InodeType;
  sizeBytes: number;
  linkCount: number;
  device: bigint;
  inode: bigint;
  deviceMajor: number;
  deviceMinor: number;
}

const NO_ATTRIBUTES: Attributes = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  xattrs: new Map(),
};

function makeInode(type: InodeType, fields: Partial<Inode> = {}): Inode {
  return {
    type,
    linkText: "",
    deviceMajor: 0,
    deviceMinor: 0,
    attributes: { ...NO_ATTRIBUTES },
    bytes: new Uint8Array(0),
    sharesBytes: false,
    entries: new Map(),
    ...fields,
  };
}

const MAX_PENDING_FOR_ALL = 6;

export class SimulatedDisk {
  /** All operations since the disk was made or settled; the place of one in it is its number. */
  operations: Operation[] = [];
  /** Whether the disk syncs all of it when asked to. */
  canSyncAll = false;
  /** Bytes written to files since then. */
  bytesWritten = 0;
  /** The most bytes that all files together had since then. */
  peakBytes = 0;
  #now: Inodes;
  #durable: Inodes;
  #pending: Change[] = [];
  #nextInode: number;
  #openCounts = new Map<number, number>();
  #capacityBytes = Number.MAX_SAFE_INTEGER;
  #cutAt = Number.POSITIVE_INFINITY;
  #isCut = false;
  #failures = new Map<number, Failure>();

  constructor(inodes: Inodes = new Map([[ROOT, makeInode("directory")]])) {
    this.#now = inodes;
    this.#durable = copyInodes(inodes);
    this.#nextInode = Math.max(...inodes.keys()) + 1;
  }

  /** The power goes while operation `number` is under way: of that one, any part may be done. */
  cutAt(number: number): void {
    this.#cutAt = number;
  }

  /** Operation `number` fails; those after it do not. */
  failAt(number: number, failure: Failure): void {
    this.#failures.set(number, failure);
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Bytes that files may still grow by. */
  get freeBytes(): number {
    return this.#capacityBytes - this.usedBytes;
  }

  set freeBytes(bytes: number) {
    this.#capacityBytes = this.usedBytes + bytes;
  }

  /** Bytes that all files have together, those included that are open and have no name any more. */
  get usedBytes(): number {
    let used = 0;
    const alive = new Set([...dropUnreachable(this.#now).keys(), ...this.#openCounts.keys()]);
    for (const id of alive) used += this.#now.get(id)!.bytes.length;
    return used;
  }

  /** Make everything durable and forget the record: what comes before is not what is tested. */
  settle(): void {
    this.syncAll();
    this.operations = [];
    this.bytesWritten = 0;
    this.peakBytes = this.usedBytes;
  }

  /** The same disk, both views and what is pending, without record, cut, failures or open files. */
  clone(): SimulatedDisk {
    const copy = new SimulatedDisk(copyInodes(this.#now));
    copy.#durable = copyInodes(this.#durable);
    copy.#pending = [...this.#pending];
    copy.#nextInode = this.#nextInode;
    copy.#capacityBytes = this.#capacityBytes;
    copy.canSyncAll = this.canSyncAll;
    return copy;
  }

  /** Changes that a cut may undo. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /**
   * Disks as a cut at this moment may leave them: first the one without any of what is pending, and the one with all.
   * With at most 6 pending changes every subset of them follows, and each subset with some of it done in part; with
   * more, `maxCount` in all, drawn by `seed`.
   */
  *states(maxCount: number, seed: number): Generator<SimulatedDisk, void, undefined> {
    const random = seededRandom(seed);
    const count = this.#pending.length;
    yield this.#state(() => false, undefined, random);
    if (count === 0) return;
    yield this.#state(() => true, undefined, random);
    if (count <= MAX_PENDING_FOR_ALL) {
      for (let subset = 1; subset < 2 ** count; subset++) {
        const isDone = (i: number) => (subset & (1 << i)) !== 0;
        if (subset !== 2 ** count - 1) yield this.#state(isDone, undefined, random);
        const hasPartial = this.#pending.some((change, i) => isDone(i) && canBePartial(change));
        if (hasPartial) yield this.#state(isDone, 1, random);
        if (hasPartial) yield this.#state(isDone, 0.5, random);
      }
      return;
    }
    for (let made = 2; made < maxCount; made++) {
      // Disks do what is old first, more or less: some states with a clear front between done and not done.
      const front = random() < 0.5 ? Math.floor(random() * (count + 1)) : undefined;
      const share = random();
      yield this.#state((i) => (front === undefined ? random() < share : i < front), random(), random);
    }
  }

  #state(
    isDone: (index: number) => boolean,
    partialShare: number | undefined,
    random: () => number,
  ): SimulatedDisk {
    const inodes = copyInodes(this.#durable);
    this.#pending.forEach((change, i) => {
      if (!isDone(i)) return;
      const isPartial = partialShare !== undefined && canBePartial(change) && random() < partialShare;
      applyChange(inodes, change, isPartial ? "part" : "whole", random);
    });
    const state = new SimulatedDisk(dropUnreachable(inodes));
    state.#nextInode = this.#nextInode;
    state.#capacityBytes = this.#capacityBytes;
    state.canSyncAll = this.canSyncAll;
    return state;
  }

  /** The folder at a path from the root ("" is the root). It must be there. */
  folder(path: string): SimulatedFolder {
    this.checkPower();
    let id = ROOT;
    for (const name of path.split("/")) {
      if (name === "") continue;
      const next = this.#now.get(id)!.entries.get(name);
      if (next === undefined) throw systemError("ENOENT", path);
      if (this.#now.get(next)!.type !== "directory") throw systemError("ENOTDIR", path);
      id = next;
    }
    return new SimulatedFolder(this, id, path);
  }

  /** @internal */
  checkPower(): void {
    if (this.#isCut) throw new PowerCut("no power");
  }

  /** @internal */
  inode(id: number): Inode {
    this.checkPower();
    return this.#now.get(id)!;
  }

  /** @internal */
  countLinks(id: number): number {
    let count = 0;
    for (const inode of dropUnreachable(this.#now).values())
      for (const to of inode.entries.values()) if (to === id) count++;
    return count;
  }

  /** @internal A new inode that no name leads to yet. */
  makeInode(type: InodeType, fields?: Partial<Inode>): number {
    const id = this.#nextInode++;
    this.#now.set(id, makeInode(type, fields));
    this.#durable.set(id, makeInode(type, fields));
    return id;
  }

  /** @internal Count how often a file is open. */
  open(id: number, by: 1 | -1): void {
    const count = (this.#openCounts.get(id) ?? 0) + by;
    if (count === 0) this.#openCounts.delete(id);
    else this.#openCounts.set(id, count);
  }

  /**
   * @internal Record an operation and do it, unless it is to fail.
   *
   * @param run - does it; it is told which share of it.
   */
  operate(kind: OperationKind, what: string, run: (share: number) => void): void {
    this.checkPower();
    const number = this.operations.push({ kind, what }) - 1;
    const failure = this.#failures.get(number);
    if (failure !== undefined) {
      if (failure === "SHORT" && kind === "write") run(0.5);
      throw systemError(failure === "EIO" ? "EIO" : "ENOSPC", `${kind} ${what}`);
    }
    if (number >= this.#cutAt) {
      if (!kind.startsWith("sync")) run(1);
      this.#isCut = true;
      throw new PowerCut(`the power went at operation ${number}: ${kind} ${what}`);
    }
    run(1);
  }

  /** @internal Do a change for the process; the disk does it when it likes. */
  change(change: Change): void {
    applyChange(this.#now, change, "whole", Math.random);
    this.#pending.push(change);
  }

  /** @internal */
  write(id: number, offset: number, bytes: Uint8Array): void {
    const growth = Math.max(0, offset + bytes.length - this.#now.get(id)!.bytes.length);
    const { freeBytes } = this;
    if (growth > 0 && growth > freeBytes) {
      const fits = Math.max(0, bytes.length - (growth - Math.max(0, freeBytes)));
      if (fits > 0) this.write(id, offset, bytes.subarray(0, fits));
      throw systemError("ENOSPC", "write");
    }
    if (growth > 0) this.peakBytes = Math.max(this.peakBytes, this.#capacityBytes - freeBytes + growth);
    this.bytesWritten += bytes.length;
    this.change({ kind: "write", inode: id, offset, bytes: bytes.slice() });
  }

  /** @internal Make everything durable. */
  syncAll(): void {
    this.#durable = copyInodes(this.#now);
    this.#pending = [];
  }

  /** @internal Make durable what is pending of one file or folder. */
  sync(id: number): void {
    this.#pending = this.#pending.filter((change) => {
      if (change.inode !== id) return true;
      applyChange(this.#durable, change, "whole", Math.random);
      return false;
    });
  }
}

class SimulatedFile implements StorageFile {
  readonly #disk: SimulatedDisk;
  readonly #id: number;
  readonly #what: string;
  #isOpen = true;

  constructor(disk: SimulatedDisk, id: number, what: string) {
    this.#disk = disk;
    this.#id = id;
    this.#what = what;
    disk.open(id, 1);
  }

  #check(): void {
    this.#disk.checkPower();
    if (!this.#isOpen) throw systemError("EBADF", this.#what);
  }

  get size(): number {
    return this.#disk.inode(this.#id).bytes.length;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#check();
    checkRange(this.size, offset, into.length);
    into.set(this.#disk.inode(this.#id).bytes.subarray(offset, offset + into.length));
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.#check();
    this.#disk.operate("write", `${this.#what} ${offset}+${bytes.length}`, (share) =>
      this.#disk.write(this.#id, offset, bytes.subarray(0, Math.floor(bytes.length * share))),
    );
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#check();
    const growth = sizeBytes - this.size;
    this.#disk.operate("truncate", `${this.#what} to ${sizeBytes}`, () => {
      if (growth > 0 && growth > this.#disk.freeBytes) throw systemError("ENOSPC", "truncate");
      this.#disk.change({ kind: "size", inode: this.#id, sizeBytes });
    });
  }

  async sync(): Promise<void> {
    this.#check();
    this.#disk.operate("sync file", this.#what, () => this.#disk.sync(this.#id));
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#disk.open(this.#id, -1);
  }
}

/** A folder of a simulated disk. */
export class SimulatedFolder implements TreeFolder {
  readonly #disk: SimulatedDisk;
  readonly #id: number;
  readonly #path: string;

  /** @internal */
  constructor(disk: SimulatedDisk, id: number, path: string) {
    this.#disk = disk;
    this.#id = id;
    this.#path = path;
  }

  #entries(): ReadonlyMap<string, number> {
    return this.#disk.inode(this.#id).entries;
  }

  #find(name: string): number {
    const id = this.#entries().get(name);
    if (id === undefined) throw systemError("ENOENT", this.#at(name));
    return id;
  }

  #at(name: string): string {
    if (name === "" || name === "." || name === ".." || name.includes("/"))
      throw new TypeError(`expected a name, got ${JSON.stringify(name)}`);
    return this.#path === "" ? name : `${this.#path}/${name}`;
  }

  #checkFree(name: string): void {
    if (this.#entries().has(name)) throw systemError("EEXIST", this.#at(name));
  }

  /** An entry for a new inode. */
  #add(kind: OperationKind, name: string, type: InodeType, fields?: Partial<Inode>): number {
    this.#checkFree(name);
    let id = 0;
    this.#disk.operate(kind, this.#at(name), () => {
      id = this.#disk.makeInode(type, fields);
      this.#disk.change({ kind: "entry", inode: this.#id, name, to: id });
    });
    return id;
  }

  async list(): Promise<string[]> {
    return [...this.#entries().keys()];
  }

  async openFile(name: string, how: "existing" | "new"): Promise<StorageFile> {
    const what = this.#at(name);
    const present = this.#entries().get(name);
    if (present === undefined) {
      if (how === "existing") throw systemError("ENOENT", what);
      return new SimulatedFile(this.#disk, this.#add("create", name, "file"), what);
    }
    const { type, bytes } = this.#disk.inode(present);
    if (type === "symlink") throw systemError("ELOOP", what);
    if (type === "directory") throw systemError("EISDIR", what);
    if (how === "new" && bytes.length > 0)
      this.#disk.operate("truncate", `${what} to 0`, () =>
        this.#disk.change({ kind: "size", inode: present, sizeBytes: 0 }),
      );
    return new SimulatedFile(this.#disk, present, what);
  }

  async remove(name: string): Promise<void> {
    if (this.#disk.inode(this.#find(name)).type === "directory") throw systemError("EISDIR", this.#at(name));
    this.#disk.operate("remove", this.#at(name), () =>
      this.#disk.change({ kind: "entry", inode: this.#id, name, to: undefined }),
    );
  }

  unlink(name: string): Promise<void> {
    return this.remove(name);
  }

  /** Give an entry another name, in this folder or another. Of two names of one file both stay, as POSIX has it. */
  async rename(from: string, name: string, toFolder: SimulatedFolder = this): Promise<void> {
    const id = this.#find(from);
    const replaced = toFolder.#entries().get(name);
    if (replaced !== undefined && replaced !== id) {
      const [isFolder, wasFolder] = [id, replaced].map((i) => this.#disk.inode(i).type === "directory");
      if (isFolder && !wasFolder) throw systemError("ENOTDIR", toFolder.#at(name));
      if (!isFolder && wasFolder) throw systemError("EISDIR", toFolder.#at(name));
      if (wasFolder && this.#disk.inode(replaced).entries.size > 0)
        throw systemError("ENOTEMPTY", toFolder.#at(name));
    }
    this.#disk.operate("rename", `${this.#at(from)} to ${toFolder.#at(name)}`, () => {
      if (replaced === id) return;
      if (toFolder.#id === this.#id) {
        this.#disk.change({ kind: "rename", inode: this.#id, from, name, to: id });
        return;
      }
      this.#disk.change({ kind: "entry", inode: toFolder.#id, name, to: id });
      this.#disk.change({ kind: "entry", inode: this.#id, name: from, to: undefined });
    });
  }

  async sync(): Promise<void> {
    this.#disk.operate("sync folder", this.#path, () => this.#disk.sync(this.#id));
  }

  async freeBytes(): Promise<number> {
    this.#disk.checkPower();
    return this.#disk.freeBytes;
  }

  /** What an entry is, links not followed; `undefined` when there is none. */
  async stat(name: string): Promise<SimulatedStat | undefined> {
    const id = this.#entries().get(name);
    return id === undefined ? undefined : this.#statOf(id);
  }

  #statOf(id: number): SimulatedStat {
    const { type, attributes, bytes, deviceMajor, deviceMinor } = this.#disk.inode(id);
    const linkCount = this.#disk.countLinks(id);
    const sizeBytes = bytes.length;
    return {
      ...attributes,
      type,
      sizeBytes,
      linkCount,
      device: 1n,
      inode: BigInt(id),
      deviceMajor,
      deviceMinor,
    };
  }

  async readLink(name: string): Promise<string> {
    const { type, linkText } = this.#disk.inode(this.#find(name));
    if (type !== "symlink") throw systemError("EINVAL", this.#at(name));
    return linkText;
  }

  async openFolder(name: string): Promise<SimulatedFolder> {
    const id = this.#find(name);
    if (this.#disk.inode(id).type !== "directory") throw systemError("ENOTDIR", this.#at(name));
    return new SimulatedFolder(this.#disk, id, this.#at(name));
  }

  async makeFolder(name: string): Promise<void> {
    this.#add("mkdir", name, "directory");
  }

  async removeFolder(name: string): Promise<void> {
    const { type, entries } = this.#disk.inode(this.#find(name));
    if (type !== "directory") throw systemError("ENOTDIR", this.#at(name));
    if (entries.size > 0) throw systemError("ENOTEMPTY", this.#at(name));
    this.#disk.operate("rmdir", this.#at(name), () =>
      this.#disk.change({ kind: "entry", inode: this.#id, name, to: undefined }),
    );
  }

  async makeSymlink(name: string, linkText: string): Promise<void> {
    this.#add("symlink", name, "symlink", { linkText });
  }

  async makeNode(
    name: string,
    type: "character" | "block" | "fifo",
    deviceMajor: number,
    deviceMinor: number,
  ): Promise<void> {
    this.#add("mknod", name, type, { deviceMajor, deviceMinor });
  }

  /** Another name, in `toFolder`, for what is called `from` here. */
  async link(from: string, toFolder: TreeFolder, name: string): Promise<void> {
    if (!(toFolder instanceof SimulatedFolder)) throw new TypeError("expected a folder of the same disk");
    const id = this.#find(from);
    if (this.#disk.inode(id).type === "directory") throw systemError("EPERM", this.#at(from));
    toFolder.#checkFree(name);
    this.#disk.operate("link", `${this.#at(from)} to ${toFolder.#at(name)}`, () =>
      this.#disk.change({ kind: "entry", inode: toFolder.#id, name, to: id }),
    );
  }

  /** Attributes are durable when the entry itself is synced. */
  async setAttributes(name: string, attributes: TreeAttributes): Promise<void> {
    const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = attributes;
    const { type, ...inode } = this.#disk.inode(this.#find(name));
    const change = { uid, gid, mode: type === "symlink" ? 0o777 : mode, mtimeSeconds, mtimeNanoseconds };
    // A new owner costs a file its capabilities.
    const xattrs = new Map(inode.attributes.xattrs);
    if (uid !== inode.attributes.uid) xattrs.delete("security.capability");
    this.#changeAttributes(name, { ...change, xattrs });
  }

  async changeXattrs(
    name: string,
    set: ReadonlyMap<string, Uint8Array>,
    remove: readonly string[],
  ): Promise<void> {
    const xattrs = new Map([...this.#disk.inode(this.#find(name)).attributes.xattrs, ...set]);
    for (const key of remove) xattrs.delete(key);
    this.#changeAttributes(name, { xattrs });
  }

  #changeAttributes(name: string, change: Partial<Attributes>): void {
    const id = this.#find(name);
    this.#disk.operate("metadata", this.#at(name), () =>
      this.#disk.change({ kind: "attributes", inode: id, change }),
    );
  }

  /** Make durable what an entry of any type is, its attributes above all. */
  async syncEntry(name: string): Promise<void> {
    const id = this.#find(name);
    this.#disk.operate("sync file", this.#at(name), () => this.#disk.sync(id));
  }

  async syncFileSystem(): Promise<boolean> {
    if (!this.#disk.canSyncAll) return false;
    this.#disk.operate("sync folder", "all", () => this.#disk.syncAll());
    return true;
  }

  async close(): Promise<void> {}
}
