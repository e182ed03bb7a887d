/**
 * A folder as the kernel shows it, read with programs and calls that our own code has no part in, and the comparison of
 * two such folders.
 *
 * Paths are binary strings, one UTF-16 unit for each byte, so that names that are no UTF-8 survive.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { run } from "./tools.ts";

/** All that is compared of one path. */
export interface TreeNode {
  type: string;
  mode: string;
  owner: string;
  mtimeNanoseconds: bigint;
  /** Text of a symlink. */
  link: string;
  /** "major:minor" of a device. */
  device: string;
  /** The first path, in order, of the hard-linked files that this one belongs to; "" when it has one name only. */
  hardLinkGroup: string;
  size: number;
  sha256: string;
  /** "name=0xhex" of each extended attribute, in order. */
  xattrs: string;
}

/** A folder's content by path; "" is the folder itself. */
export type Tree = Map<string, TreeNode>;

const TYPE_BITS = 0o170000n;
const TYPES = new Map<bigint, string>([
  [0o040000n, "directory"],
  [0o100000n, "file"],
  [0o120000n, "symlink"],
  [0o020000n, "character"],
  [0o060000n, "block"],
  [0o010000n, "fifo"],
  [0o140000n, "socket"],
]);

/** Read a folder, not following symlinks, not leaving it. */
export function readTree(root: string): Tree {
  const tree: Tree = new Map();
  const xattrs = readXattrs(root);
  const groups = new Map<bigint, string>();
  const visit = (path: string): void => {
    const full = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
    const stat = lstatSync(full, { bigint: true });
    const type = TYPES.get(stat.mode & TYPE_BITS) ?? "unknown";
    const isLinked = type !== "directory" && stat.nlink > 1n;
    if (isLinked && !groups.has(stat.ino)) groups.set(stat.ino, path);
    const isFile = type === "file";
    tree.set(path, {
      type,
      mode: (stat.mode & 0o7777n).toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      mtimeNanoseconds: stat.mtimeNs,
      link: type === "symlink" ? readlinkSync(full, { encoding: "buffer" }).toString("latin1") : "",
      device: type === "character" || type === "block" ? formatDevice(stat.rdev) : "",
      hardLinkGroup: isLinked ? groups.get(stat.ino)! : "",
      size: isFile ? Number(stat.size) : 0,
      sha256: isFile ? createHash("sha256").update(readFileSync(full)).digest("hex") : "",
      xattrs: xattrs.get(path) ?? "",
    });
    if (type !== "directory") return;
    const names = readdirSync(full, { encoding: "buffer" }).map((name) => name.toString("latin1"));
    for (const name of names.sort()) visit(path === "" ? name : `${path}/${name}`);
  };
  visit("");
  return tree;
}

/** Linux packs device numbers so that small ones look as they always did. */
function formatDevice(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** Extended attributes of every path below a folder, from getfattr's dump. */
function readXattrs(root: string): Map<string, string> {
  const dump = run("getfattr", ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--", "."], { cwd: root });
  const found = new Map<string, string>();
  for (const block of dump.toString("latin1").split("\n\n")) {
    const [head, ...lines] = block.split("\n").filter((line) => line !== "");
    if (head === undefined) continue;
    // getfattr writes unusual bytes of names, and the backslash, as three octal digits.
    const path = head
      .replace(/^# file: /u, "")
      .replace(/\\([0-7]{3})/gu, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
      .replace(/^\.\/?/u, "");
    found.set(path, lines.sort().join(" "));
  }
  return found;
}

/**
 * Compare two trees entry by entry. Of the root folder itself the time does not count: a flat image keeps none, since
 * every runtime and every copy of a root file system gives it one of its own.
 *
 * @returns the differences, in words; none when the trees are equal.
 */
export function compareTrees(expected: Tree, actual: Tree): string[] {
  const differences: string[] = [];
  for (const path of new Set([...expected.keys(), ...actual.keys()])) {
    const shown = JSON.stringify(`/${path}`);
    const [wanted, found] = [expected.get(path), actual.get(path)];
    if (wanted === undefined || found === undefined) {
      differences.push(`${shown} is ${found === undefined ? "missing" : "too many"}`);
      continue;
    }
    for (const key of Object.keys(wanted) as (keyof TreeNode)[]) {
      if (path === "" && key === "mtimeNanoseconds") continue;
      if (wanted[key] !== found[key]) {
        differences.push(`${shown}: ${key} should be ${show(wanted[key])}, is ${show(found[key])}`);
      }
    }
  }
  return differences;
}

function show(value: TreeNode[keyof TreeNode]): string {
  return value === "" ? "none" : String(value);
}
