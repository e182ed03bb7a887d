/** What is on a simulated disk: inodes, and the changes of them that a disk may do, leave undone or do in part. */

export type InodeType = "file" | "directory" | "symlink" | "character" | "block" | "fifo";

export interface Attributes {
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanoseconds: number;
  xattrs: ReadonlyMap<string, Uint8Array>;
}

/** A file, folder, link or device. What does not belong to its type is empty. */
export interface Inode {
  readonly type: InodeType;
  readonly linkText: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  attributes: Attributes;
  bytes: Uint8Array;
  /** Whether copies of this inode may have the same array: then it is not written to. */
  sharesBytes: boolean;
  /** Numbers of inodes by name. */
  entries: Map<string, number>;
}

/** All inodes by their numbers. */
export type Inodes = Map<number, Inode>;

export const ROOT = 1;
export const SECTOR_BYTES = 512;

export function copyInodes(inodes: Inodes): Inodes {
  const copy: Inodes = new Map();
  for (const [id, inode] of inodes) {
    inode.sharesBytes = true;
    copy.set(id, { ...inode, attributes: { ...inode.attributes }, entries: new Map(inode.entries) });
  }
  return copy;
}

/** A change of one thing. `inode` is the file or folder whose sync makes it durable. */
export type Change =
  | { kind: "write"; inode: number; offset: number; bytes: Uint8Array }
  | { kind: "size"; inode: number; sizeBytes: number }
  | { kind: "attributes"; inode: number; change: Partial<Attributes> }
  /** The entry `name` of a folder leads to `to`, or to nothing. */
  | { kind: "entry"; inode: number; name: string; to: number | undefined }
  /** In one folder. */
  | { kind: "rename"; inode: number; from: string; name: string; to: number };

/**
 * How a change came out: as it was meant; or in part: a write torn at a sector or only the file's size grown, a renamed
 * file under both names, an attribute of several.
 */
export type Outcome = "whole" | "part";

function setBytes(inode: Inode, bytes: Uint8Array): void {
  inode.bytes = bytes;
  inode.sharesBytes = false;
}

function writeBytes(inode: Inode, offset: number, written: Uint8Array): void {
  if (inode.sharesBytes || offset + written.length > inode.bytes.length)
    setBytes(inode, withBytes(inode.bytes, offset, written));
  else inode.bytes.set(written, offset);
}

function withBytes(bytes: Uint8Array, offset: number, written: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.max(bytes.length, offset + written.length));
  out.set(bytes);
  out.set(written, offset);
  return out;
}

/**
 * What a file may hold when the disk was stopped while it wrote: the sectors on one side of some sector are old, those
 * on the other are new, and that sector itself is either, or garbage. Garbage fills all of the sector, also what was
 * not written and was durable before: disks write whole sectors.
 */
function tearWrite(
  old: Uint8Array,
  { offset, bytes }: { offset: number; bytes: Uint8Array },
  random: () => number,
): Uint8Array {
  const whole = withBytes(old, offset, bytes);
  const grown = new Uint8Array(whole.length);
  grown.set(old);
  const first = Math.floor(offset / SECTOR_BYTES);
  const last = Math.floor((offset + bytes.length - 1) / SECTOR_BYTES);
  const torn = first + Math.floor(random() * (last - first + 1));
  const newFirst = random() < 0.5;
  const [head, tail] = newFirst ? [whole, grown] : [grown, whole];
  const tornAt = torn * SECTOR_BYTES;
  const tornEnd = Math.min(tornAt + SECTOR_BYTES, whole.length);
  const out = new Uint8Array(whole.length);
  out.set(head.subarray(0, tornAt));
  out.set(tail.subarray(tornEnd), tornEnd);
  const fate = random();
  if (fate < 0.5) for (let i = tornAt; i < tornEnd; i++) out[i] = Math.floor(random() * 256);
  else out.set((fate < 0.75 ? whole : grown).subarray(tornAt, tornEnd), tornAt);
  // The size is written elsewhere than the bytes: it may be the old one.
  return random() < 0.25 ? out.subarray(0, old.length) : out;
}

/** What the clock says when something is written: no time that a test sets. */
const CLOCK_SECONDS = 4_000_000_000;

/** Do a change, or a part of it. */
export function applyChange(inodes: Inodes, change: Change, outcome: Outcome, random: () => number): void {
  const inode = inodes.get(change.inode);
  if (inode === undefined) throw new Error(`no inode ${change.inode}`);
  if (change.kind !== "attributes") {
    // A new object: copies of the inode share the old one.
    inode.attributes = { ...inode.attributes, mtimeSeconds: CLOCK_SECONDS, mtimeNanoseconds: 0 };
  }
  switch (change.kind) {
    case "write": {
      if (change.bytes.length === 0) return;
      const growth = change.offset + change.bytes.length - inode.bytes.length;
      if (outcome === "whole") writeBytes(inode, change.offset, change.bytes);
      else if (growth > 0 && random() < 0.25) writeBytes(inode, inode.bytes.length, new Uint8Array(growth));
      else setBytes(inode, tearWrite(inode.bytes, change, random));
      return;
    }
    case "size": {
      const bytes = new Uint8Array(change.sizeBytes);
      bytes.set(inode.bytes.subarray(0, change.sizeBytes));
      setBytes(inode, bytes);
      return;
    }
    case "attributes":
      inode.attributes = { ...inode.attributes, ...change.change };
      return;
    case "entry":
      if (change.to === undefined) inode.entries.delete(change.name);
      else inode.entries.set(change.name, change.to);
      return;
    case "rename":
      inode.entries.set(change.name, change.to);
      // A folder has one name at any time; of a file that no journal guards both may be seen.
      if (outcome === "whole" || inodes.get(change.to)!.type === "directory")
        inode.entries.delete(change.from);
      return;
  }
}

/** Whether a change can come out in part. */
export function canBePartial(change: Change): boolean {
  return change.kind === "rename" || (change.kind === "write" && change.bytes.length > 0);
}

/** Drop what no name leads to, as a check of the file system does at the next start. */
export function dropUnreachable(inodes: Inodes): Inodes {
  const kept: Inodes = new Map();
  const todo = [ROOT];
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    if (kept.has(id)) continue;
    const inode = inodes.get(id)!;
    kept.set(id, inode);
    todo.push(...inode.entries.values());
  }
  return kept;
}
