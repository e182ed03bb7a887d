import { DEFAULT_MERGE_LIMITS, type TreeNode } from "../image/tree.ts";
import type { TreeAttributes } from "./tree-folder.ts";

/** A file, folder, link or device of the target, with all its names. */
export interface TargetNode extends TreeAttributes {
  type: TreeNode["type"];
  linkText: string;
  deviceMajor: number;
  deviceMinor: number;
  xattrs: ReadonlyMap<string, Uint8Array>;
  /** Its paths, the first one first; "" is the root. */
  readonly paths: string[];
  /** Whether the file that is present at its first path has the same content. */
  hasPresentContent: boolean;
  /** The number under which it lies in the staging folder. */
  staged: number | undefined;
}

/** Folders above an entry, at most: as many as images are read with. */
export const MAX_TREE_DEPTH = DEFAULT_MERGE_LIMITS.maxDepth;

/** Whether a path is that of an entry inside the tree, in its shortest form. */
export function isInnerPath(path: string): boolean {
  return path
    .split("/")
    .every((name) => name !== "" && name !== "." && name !== ".." && !name.includes("\0"));
}

/** The path of the folder that an entry lies in, and its name there. */
export function splitPath(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}

/** The node at a path of a tree. */
export function findNode(root: TreeNode, path: string): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    node = node.children?.get(path.slice(start, end));
    if (node === undefined) return undefined;
    start = end + 1;
  }
  return node;
}

export function equalXattrs(a: TreeNode["xattrs"], b: TreeNode["xattrs"]): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}

export function equalAttributes(a: TreeAttributes, b: TreeAttributes): boolean {
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.mtimeNanoseconds === b.mtimeNanoseconds
  );
}

export function pickAttributes({
  mode,
  uid,
  gid,
  mtimeSeconds,
  mtimeNanoseconds,
}: TreeAttributes): TreeAttributes {
  return { mode, uid, gid, mtimeSeconds, mtimeNanoseconds };
}
