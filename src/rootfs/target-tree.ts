import { IMPLIED_FOLDER, type TreeNode } from "../image/tree.ts";
import { equalAttributes, equalXattrs, findNode, pickAttributes, type TargetNode } from "./target.ts";
import type { TreeAttributes } from "./tree-folder.ts";

/** What an entry of the target is, besides its path and content. */
export type EntryFields = TreeAttributes &
  Pick<TreeNode, "type" | "linkText" | "deviceMajor" | "deviceMinor" | "xattrs">;

/** A node of the target. Written out: V8 keeps what is made of spread parts as a hash table, which takes a kilobyte. */
export function makeTargetNode(path: string, fields: EntryFields, attributes: TreeAttributes): TargetNode {
  return {
    type: fields.type,
    mode: attributes.mode,
    uid: attributes.uid,
    gid: attributes.gid,
    mtimeSeconds: attributes.mtimeSeconds,
    mtimeNanoseconds: attributes.mtimeNanoseconds,
    linkText: fields.linkText,
    deviceMajor: fields.deviceMajor,
    deviceMinor: fields.deviceMinor,
    xattrs: fields.xattrs,
    paths: [path],
    hasPresentContent: false,
    staged: undefined,
  };
}

/**
 * The target as it becomes known. Most of its entries are what is present at their paths, but for a time perhaps: these
 * are kept as references to present nodes, at a third of what a node takes.
 */
export class TargetTree {
  /** The image's config. */
  config: Uint8Array = new Uint8Array(0);
  /** All that is not kept, the root first. */
  readonly nodes: TargetNode[];
  /** Present nodes with no other name that stay, and the attributes that they shall have: themselves where nothing changes. */
  readonly kept = new Map<TreeNode, TreeAttributes>();
  readonly #present: TreeNode;
  readonly #byPath = new Map<string, TargetNode>();
  #entryCount = 0;
  #lastAttributes: TreeAttributes = IMPLIED_FOLDER;

  constructor(present: TreeNode) {
    this.#present = present;
    this.nodes = [makeTargetNode("", IMPLIED_FOLDER, IMPLIED_FOLDER)];
    this.#byPath.set("", this.nodes[0]!);
  }

  /** Entries that came, the root and names of hard links not counted. */
  get entryCount(): number {
    return this.#entryCount;
  }

  /** What is to be at a path; `undefined` for nothing, or nothing yet. */
  typeAt(path: string): TargetNode["type"] | undefined {
    const node = this.#byPath.get(path);
    if (node !== undefined) return node.type;
    const present = findNode(this.#present, path);
    return present !== undefined && this.kept.has(present) ? present.type : undefined;
  }

  setRoot(fields: EntryFields): void {
    const root = makeTargetNode("", fields, fields);
    this.nodes[0] = root;
    this.#byPath.set("", root);
  }

  /**
   * Add an entry at a path where none is yet.
   *
   * @param present - what is present there.
   * @param staged - of a file: the number of its content in the staging folder, unless it has the content that is present.
   */
  add(path: string, fields: EntryFields, present: TreeNode | undefined, staged: number | undefined): void {
    this.#entryCount++;
    if (present !== undefined && staged === undefined && canKeep(present, fields)) {
      this.kept.set(present, this.#attributesOf(present, fields));
      return;
    }
    const node = makeTargetNode(path, fields, fields);
    node.hasPresentContent = fields.type === "file" && staged === undefined;
    node.staged = staged;
    this.#addNode(path, node);
  }

  /** Give what is at `from`, if that is an entry and no folder, another path. Returns whether it was. */
  link(path: string, from: string): boolean {
    let node = this.#byPath.get(from);
    if (node === undefined) {
      const present = findNode(this.#present, from);
      const attributes = present && this.kept.get(present);
      if (attributes === undefined || present!.type === "directory") return false;
      this.kept.delete(present!);
      node = this.describeKept(from, present!, attributes);
      this.#addNode(from, node);
    }
    if (node.type === "directory") return false;
    node.paths.push(path);
    this.#byPath.set(path, node);
    return true;
  }

  /** A kept node, written out. */
  describeKept(path: string, present: TreeNode, attributes: TreeAttributes): TargetNode {
    const node = makeTargetNode(path, present, attributes);
    node.hasPresentContent = present.type === "file";
    return node;
  }

  #attributesOf(present: TreeNode, fields: EntryFields): TreeAttributes {
    if (equalAttributes(present, fields)) return present;
    // Neighbours mostly have the same, what came in one layer above all.
    if (!equalAttributes(this.#lastAttributes, fields)) this.#lastAttributes = pickAttributes(fields);
    return this.#lastAttributes;
  }

  #addNode(path: string, node: TargetNode): void {
    this.nodes.push(node);
    this.#byPath.set(path, node);
  }
}

/** Whether nothing but attributes has to change. What has several names is for the planner to compare as a whole. */
function canKeep(present: TreeNode, fields: EntryFields): boolean {
  if (present.isLinked || present.type !== fields.type || !equalXattrs(present.xattrs, fields.xattrs))
    return false;
  if (present.type === "file" || present.type === "directory") return true;
  return (
    equalAttributes(present, fields) &&
    present.linkText === fields.linkText &&
    present.deviceMajor === fields.deviceMajor &&
    present.deviceMinor === fields.deviceMinor
  );
}
