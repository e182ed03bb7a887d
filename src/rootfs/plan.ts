import { type TreeNode, walkTree } from "../image/tree.ts";
import type { TargetReader } from "./read-target.ts";
import type { Staging } from "./staging.ts";
import {
  equalAttributes,
  equalXattrs,
  findNode,
  pickAttributes,
  splitPath,
  type TargetNode,
} from "./target.ts";
import type { TargetTree } from "./target-tree.ts";
import type { TreeAttributes, TreeStat } from "./tree-folder.ts";

/** Something that must be gone. A folder's content precedes it. */
export interface Removal {
  path: string;
  isFolder: boolean;
}

/** A name for a staged entry, or another one for a file that stays. */
export interface Placement {
  path: string;
  /** Number in the staging folder, or the path of the file that stays. */
  from: number | string;
  /** Whether the path is that of something else until then: a first run need not look. */
  replaces: boolean;
}

/** Attributes for what stays or is made in place. */
export interface AttributeChange {
  path: string;
  isFolder: boolean;
  attributes: TreeAttributes;
  /** Values in base64. */
  setXattrs: readonly (readonly [name: string, value: string])[];
  removeXattrs: readonly string[];
}

/** Changes of attributes. Made anew each time, where they follow from what is known: they may be as many as the tree's entries. */
export interface AttributeChanges extends Iterable<AttributeChange> {
  readonly length: number;
}

/**
 * What turns the present tree into the target, once new content lies in the staging folder. Each step says how something
 * is to be in the end, so that all of them can be done again from the start however far they came.
 */
export interface Steps {
  removals: Removal[];
  /** Folders to be made, parents first. */
  folders: string[];
  placements: Placement[];
  attributes: AttributeChanges;
}

/** What planning needs to know and to do besides. */
export interface PlanContext {
  staging: Staging;
  reader: TargetReader;
  /** What of a node the file system can hold. */
  realize(node: TargetNode): TargetNode;
  /** The present entry. */
  stat(path: string): Promise<TreeStat | undefined>;
}

function encodeXattrs(xattrs: TreeNode["xattrs"]): [name: string, value: string][] {
  return [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
}

const NO_XATTRS: TreeNode["xattrs"] = new Map();
const NO_NAMES: readonly string[] = [];
const NO_VALUES: AttributeChange["setXattrs"] = [];

class Planner {
  readonly #present: TreeNode;
  readonly #target: TargetTree;
  readonly #context: PlanContext;
  readonly #touched = new Set<string>();
  /** Of the present nodes in several places: those that became a node of the target, and how many places each has. */
  readonly #kept = new Set<TreeNode>();
  readonly #nameCounts = new Map<TreeNode, number>();
  readonly #removals: Removal[] = [];
  readonly #folders: string[] = [];
  readonly #placements: Placement[] = [];
  /** Of what is not kept. */
  readonly #attributes: AttributeChange[] = [];

  constructor(present: TreeNode, target: TargetTree, context: PlanContext) {
    this.#present = present;
    this.#target = target;
    this.#context = context;
  }

  async plan(): Promise<Steps> {
    this.#planPresent();
    for (const node of this.#target.nodes) {
      const [path] = node.paths as [string];
      if (node.type !== "directory") await this.#planNode(node);
      else if (findNode(this.#present, path)?.type !== "directory") {
        this.#folders.push(path);
        this.#touch(path);
        this.#touched.add(path);
      }
    }
    for (const node of this.#target.nodes) if (node.type === "directory") this.#planFolder(node);
    let length = 0;
    for (const _ of this.#attributeChanges()) length++;
    return {
      removals: this.#removals,
      folders: this.#folders,
      placements: this.#placements,
      attributes: { length, [Symbol.iterator]: () => this.#attributeChanges() },
    };
  }

  #touch(path: string): void {
    this.#touched.add(splitPath(path)[0]);
  }

  #planPresent(): void {
    const { kept } = this.#target;
    for (const { path, node } of walkTree(this.#present)) {
      if (node.isLinked) this.#nameCounts.set(node, (this.#nameCounts.get(node) ?? 0) + 1);
      if (kept.has(node)) continue;
      const isFolder = node.type === "directory";
      const type = this.#target.typeAt(path);
      // A file in a file's place is replaced by one rename.
      if (type !== undefined && (type === "directory") === isFolder) continue;
      this.#removals.push({ path, isFolder });
      this.#touch(path);
    }
    this.#removals.reverse();
  }

  *#attributeChanges(): Generator<AttributeChange, void, undefined> {
    yield* this.#attributes;
    for (const { path, node } of walkTree(this.#present)) {
      const attributes = this.#target.kept.get(node);
      if (attributes === undefined) continue;
      const isFolder = node.type === "directory";
      if (attributes === node && !(isFolder && this.#touched.has(path))) continue;
      // A change of owner takes a file's capabilities.
      const set = isFolder ? NO_XATTRS : node.xattrs;
      yield this.#describeChange(this.#target.describeKept(path, node, attributes), set, NO_NAMES);
    }
  }

  async #planNode(node: TargetNode): Promise<void> {
    const present = findNode(this.#present, node.paths[0]!);
    if (present !== undefined && (await this.#canStay(present, node))) {
      if (present.isLinked) this.#kept.add(present);
      if (!equalAttributes(present, node)) this.#changeAttributes(node, node.xattrs, NO_NAMES);
      for (const path of node.paths)
        if (findNode(this.#present, path) !== present) this.#place(path, node.paths[0]!);
      return;
    }
    const real = this.#context.realize(node);
    if (node.staged === undefined) {
      if (node.type === "file") node.staged = await this.#context.reader.stagePresent(present!.content);
      else node.staged = await this.#context.staging.createSpecial(real);
    }
    await this.#context.staging.dress(node.staged, real);
    for (const path of node.paths) this.#place(path, node.staged);
  }

  /** Whether what is present under the node's first path becomes the node, its attributes perhaps changed. */
  async #canStay(present: TreeNode, node: TargetNode): Promise<boolean> {
    // One inode cannot be two nodes.
    if (present.type !== node.type || this.#kept.has(present)) return false;
    if (!equalXattrs(present.xattrs, node.xattrs)) return false;
    if (node.type !== "file") {
      return (
        equalAttributes(present, node) &&
        present.linkText === node.linkText &&
        present.deviceMajor === node.deviceMajor &&
        present.deviceMinor === node.deviceMinor
      );
    }
    if (!node.hasPresentContent) return false;
    if (equalAttributes(present, node)) return true;
    if (!present.isLinked) return true;
    // A name outside the tree, of a copy by hard links perhaps, must not see its attributes change.
    const stat = await this.#context.stat(node.paths[0]!);
    return stat !== undefined && stat.linkCount === this.#nameCounts.get(present);
  }

  #place(path: string, from: number | string): void {
    const present = findNode(this.#present, path);
    this.#placements.push({ path, from, replaces: present !== undefined && present.type !== "directory" });
    this.#touch(path);
  }

  #planFolder(node: TargetNode): void {
    const [path] = node.paths as [string];
    const found = findNode(this.#present, path);
    const present = found?.type === "directory" ? found : undefined;
    // The time of the root is no part of an image.
    const wanted =
      path === "" && present !== undefined
        ? { ...node, mtimeSeconds: present.mtimeSeconds, mtimeNanoseconds: present.mtimeNanoseconds }
        : node;
    if (present === undefined) {
      this.#changeAttributes(wanted, node.xattrs, NO_NAMES);
      return;
    }
    const hasXattrs = equalXattrs(present.xattrs, node.xattrs);
    if (hasXattrs && equalAttributes(present, wanted) && !this.#touched.has(path)) return;
    const remove = [...present.xattrs.keys()].filter((name) => !node.xattrs.has(name));
    this.#changeAttributes(wanted, hasXattrs ? NO_XATTRS : node.xattrs, remove);
  }

  #changeAttributes(node: TargetNode, set: TreeNode["xattrs"], remove: readonly string[]): void {
    this.#attributes.push(this.#describeChange(node, set, remove));
  }

  #describeChange(node: TargetNode, set: TreeNode["xattrs"], remove: readonly string[]): AttributeChange {
    const real = this.#context.realize(node);
    return {
      path: node.paths[0]!,
      isFolder: node.type === "directory",
      attributes: pickAttributes(real),
      setXattrs: set.size === 0 ? NO_VALUES : encodeXattrs(set).filter(([name]) => real.xattrs.has(name)),
      removeXattrs: remove,
    };
  }
}

/**
 * Plan the steps from the present tree to the target, and stage what they need besides the contents that differ: links,
 * devices, and copies of files whose inode stays another's.
 */
export function planSteps(present: TreeNode, target: TargetTree, context: PlanContext): Promise<Steps> {
  return new Planner(present, target, context).plan();
}

/** Whether there is nothing to do. */
export function isEmptyPlan({ removals, folders, placements, attributes }: Steps): boolean {
  return removals.length + folders.length + placements.length + attributes.length === 0;
}
