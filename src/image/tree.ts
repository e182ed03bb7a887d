/**
 * Merges layers into the one tree that a runtime would show, in memory (contents stay where they are).
 *
 * The rules are those of the OCI image specification ("Image Layer Filesystem Changeset") and, where it is silent, those
 * of extraction by docker and umoci.
 */
import { ErrorCode, ImageError, LimitError } from "../errors.ts";
import type { Source } from "../io/index.ts";
import { NO_CONTENT } from "./content.ts";
import { bytesOfXattrs, showName } from "./tar/index.ts";
import type { EntryType, ImageLayer, LayerEntry } from "./types.ts";
import { isImageXattr } from "./xattr.ts";

/** A file, folder, link or device of a tree. A file with several hard links is one node in several places. */
export interface TreeNode {
  type: Exclude<EntryType, "hardlink">;
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanoseconds: number;
  /** Text of a symlink, else "". */
  linkText: string;
  deviceMajor: number;
  deviceMinor: number;
  xattrs: ReadonlyMap<string, Uint8Array>;
  content: Source;
  /** Whether it is in several places, perhaps outside the tree. */
  isLinked: boolean;
  /** A folder's entries by name. Absent for everything else. */
  children?: Map<string, TreeNode>;
}

/** How to merge. */
export interface MergeOptions {
  /** Nodes made while merging, all layers and implied folders counted; 2,000,000 by default. */
  maxEntries?: number | undefined;
  /** Folders above an entry, symlinks resolved; 1,024 by default. */
  maxDepth?: number | undefined;
  /** Bytes of the names, links and extended attributes of all layers' entries; 256 MiB by default. */
  maxNameBytes?: number | undefined;
  /** Names looked up on the way to all entries, those in symlinks included: time. 2^28 by default. */
  maxLookups?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** The limits that hold where the caller sets none. */
export const DEFAULT_MERGE_LIMITS = {
  maxEntries: 2_000_000,
  maxDepth: 1024,
  maxNameBytes: 2 ** 28,
  maxLookups: 2 ** 28,
} as const;

const WHITEOUT_PREFIX = ".wh.";
const WHITEOUT_META_PREFIX = ".wh..wh.";
const OPAQUE_WHITEOUT = ".wh..wh..opq";
const MAX_SYMLINKS = 255;
const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();

/** One step of a resolved path: a name, and the node that is there or `undefined`. */
interface Step {
  name: string;
  node: TreeNode | undefined;
}

/** Attributes of a folder that no entry describes: one that entries imply, or the root. */
export const IMPLIED_FOLDER = {
  type: "directory",
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  linkText: "",
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: NO_XATTRS,
} as const;

function implicitFolder(): TreeNode {
  return { ...IMPLIED_FOLDER, content: NO_CONTENT, isLinked: false, children: new Map() };
}

/** Attributes of the image. Empty values are left out because docker and umoci cannot read them from a layer. */
function nodeXattrs(xattrs: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  if (xattrs.size === 0) return NO_XATTRS;
  return new Map([...xattrs].filter(([name, value]) => value.length > 0 && isImageXattr(name)));
}

function isWhiteout(name: string): boolean {
  return name.startsWith(WHITEOUT_PREFIX);
}

class TreeMerger {
  readonly root = implicitFolder();
  readonly #maxEntries: number;
  readonly #maxDepth: number;
  readonly #maxNameBytes: number;
  readonly #maxLookups: number;
  #made = 0;
  #nameBytes = 0;
  #lookups = 0;

  constructor(options: MergeOptions) {
    this.#maxEntries = options.maxEntries ?? DEFAULT_MERGE_LIMITS.maxEntries;
    this.#maxDepth = options.maxDepth ?? DEFAULT_MERGE_LIMITS.maxDepth;
    this.#maxNameBytes = options.maxNameBytes ?? DEFAULT_MERGE_LIMITS.maxNameBytes;
    this.#maxLookups = options.maxLookups ?? DEFAULT_MERGE_LIMITS.maxLookups;
  }

  async addLayer(layer: ImageLayer, signal: AbortSignal | undefined): Promise<void> {
    // Below the first layer there is nothing to hide, so its entries, most of an image's as a rule, need not be gathered.
    if (this.#made === 0) {
      await this.#sortOut(layer, signal, (entry) => this.#put(entry));
      return;
    }
    const entries: LayerEntry[] = [];
    const whiteouts = await this.#sortOut(layer, signal, (entry) => entries.push(entry));
    // First of all, since whiteouts hide what lower layers have and nothing of their own layer, wherever they stand.
    this.#hide(whiteouts, entries);
    for (const entry of entries) this.#put(entry);
  }

  /** Hand on the entries that belong to the image, in their order. Returns the paths of whiteout entries. */
  async #sortOut(
    layer: ImageLayer,
    signal: AbortSignal | undefined,
    onEntry: (entry: LayerEntry) => void,
  ): Promise<string[]> {
    const whiteouts: string[] = [];
    let count = 0;
    for await (const entry of layer.entries({ signal })) {
      if (++count > this.#maxEntries) throw this.#tooMany();
      this.#countNames(entry);
      const { path } = entry;
      if (!path.includes(WHITEOUT_PREFIX)) {
        onEntry(entry);
        continue;
      }
      const components = path.split("/");
      const name = components.pop()!;
      // Records of aufs; nothing in them belongs to the image.
      if (components.some((component) => component.startsWith(WHITEOUT_META_PREFIX))) continue;
      if (components.some(isWhiteout)) throw badEntry(entry, "a whiteout cannot hold other entries");
      if (!isWhiteout(name)) onEntry(entry);
      else if (name === OPAQUE_WHITEOUT || !name.startsWith(WHITEOUT_META_PREFIX)) {
        const hidden = name.slice(WHITEOUT_PREFIX.length);
        if (hidden === "" || hidden === "." || hidden === "..") {
          throw badEntry(entry, `a whiteout must name an entry of its folder, found ${JSON.stringify(name)}`);
        }
        whiteouts.push(path);
      }
    }
    return whiteouts;
  }

  #tooMany(): LimitError {
    return new LimitError(
      ErrorCode.COUNT_LIMIT,
      `the image has more than ${this.#maxEntries} entries; raise maxEntries if it is trusted`,
    );
  }

  #countNames({ path, linkPath, xattrs }: LayerEntry): void {
    this.#nameBytes += path.length + linkPath.length + bytesOfXattrs(xattrs);
    if (this.#nameBytes <= this.#maxNameBytes) return;
    throw new LimitError(
      ErrorCode.MEMORY_LIMIT,
      `names and attributes of the image take more than ${this.#maxNameBytes} bytes; raise maxNameBytes if it is trusted`,
      { path: showName(path) },
    );
  }

  #tooDeep(path: string): LimitError {
    return new LimitError(
      ErrorCode.COUNT_LIMIT,
      `a path has more than ${this.#maxDepth} components; raise maxDepth if the image is trusted`,
      { path: showName(path) },
    );
  }

  #hide(whiteouts: readonly string[], entries: readonly LayerEntry[]): void {
    if (whiteouts.length === 0) return;
    const ownPaths = new Set(entries.map((entry) => entry.path));
    // All are looked up before any takes effect, so that their order cannot matter.
    const hidden: { folder: Map<string, TreeNode>; name: string | undefined }[] = [];
    for (const path of whiteouts) {
      const slash = path.lastIndexOf("/");
      const name = path.slice(slash + 1);
      const steps = this.#resolve(path.slice(0, Math.max(slash, 0)), ownPaths);
      const folder = (steps?.length === 0 ? this.root : steps?.at(-1)?.node)?.children;
      if (folder === undefined) continue;
      hidden.push({
        folder,
        name: name === OPAQUE_WHITEOUT ? undefined : name.slice(WHITEOUT_PREFIX.length),
      });
    }
    for (const { folder, name } of hidden) {
      if (name === undefined) folder.clear();
      else folder.delete(name);
    }
  }

  /**
   * Follow a path and all symlinks in it, inside the root: absolute links start at the root and ".." stops there. Where
   * nothing is, names are taken as they stand, as extraction would make folders of them.
   *
   * @param ownPaths - paths of the layer being merged, when only what lower layers show counts: a symlink that the layer
   *   itself replaces leads to nothing that it could hide. The result is then `undefined`.
   */
  #resolve(path: string, ownPaths?: ReadonlySet<string>): Step[] | undefined {
    const steps: Step[] = [];
    const todo = path === "" ? [] : path.split("/").reverse();
    // How many of the components still to come are the path's own, not a symlink's.
    let own = todo.length;
    let symlinks = 0;
    let walked = 0;
    while (todo.length > 0) {
      // Long symlinks through each other must not make one entry cost more than a long path.
      if (++walked > 64 * this.#maxDepth) throw this.#tooDeep(path);
      if (++this.#lookups > this.#maxLookups) {
        throw new LimitError(
          ErrorCode.COUNT_LIMIT,
          `the paths of the image lead over more than ${this.#maxLookups} names; raise maxLookups if it is trusted`,
          { path: showName(path) },
        );
      }
      const isOwn = todo.length === own;
      const name = todo.pop()!;
      if (isOwn) own--;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        steps.pop();
        continue;
      }
      const parent = steps.length === 0 ? this.root : steps[steps.length - 1]!.node;
      const node = parent?.children?.get(name);
      if (node?.type !== "symlink") {
        if (steps.length >= this.#maxDepth) throw this.#tooDeep(path);
        steps.push({ name, node });
        continue;
      }
      if (ownPaths !== undefined && isOwn) {
        const linkPath = path.split("/", path.split("/").length - own).join("/");
        if (ownPaths.has(linkPath)) return undefined;
      }
      if (++symlinks > MAX_SYMLINKS) {
        throw new ImageError(
          ErrorCode.UNSAFE_PATH,
          `more than ${MAX_SYMLINKS} symlinks on the way, probably a loop`,
          { path: showName(path) },
        );
      }
      if (node.linkText.startsWith("/")) steps.length = 0;
      const components = node.linkText.split("/");
      for (let i = components.length - 1; i >= 0; i--) todo.push(components[i]!);
    }
    return steps;
  }

  /** The folder that a path leads to, made where it is missing. */
  #makeFolder(path: string, entry: LayerEntry): Map<string, TreeNode> {
    let folder = this.root.children!;
    for (const { name, node } of this.#resolve(path)!) {
      let next = node;
      if (next === undefined) {
        if (isWhiteout(name))
          throw badEntry(entry, `a folder must not have the name of a whiteout, found ${showName(name)}`);
        next = implicitFolder();
        this.#add(folder, name, next);
      }
      if (next.children === undefined) {
        throw badEntry(entry, `expected a folder at "${showName(name)}" on the way, found a ${next.type}`);
      }
      folder = next.children;
    }
    return folder;
  }

  #add(folder: Map<string, TreeNode>, name: string, node: TreeNode): void {
    if (++this.#made > this.#maxEntries) throw this.#tooMany();
    folder.set(name, node);
  }

  #put(entry: LayerEntry): void {
    const { path } = entry;
    if (path === "") {
      if (entry.type !== "directory")
        throw badEntry(entry, `expected a folder as the root of the image, found a ${entry.type}`);
      setMetadata(this.root, entry);
      return;
    }
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    const folder = this.#makeFolder(path.slice(0, Math.max(slash, 0)), entry);
    const present = folder.get(name);
    if (entry.type === "directory" && present?.type === "directory") {
      setMetadata(present, entry);
      return;
    }
    // Gone before a hard link is looked up, as extraction does it.
    folder.delete(name);
    this.#add(
      folder,
      name,
      entry.type === "hardlink" ? this.#linkedNode(entry) : makeNode(entry, entry.type),
    );
  }

  #linkedNode(entry: LayerEntry): TreeNode {
    const { linkPath } = entry;
    const slash = linkPath.lastIndexOf("/");
    const steps = this.#resolve(linkPath.slice(0, Math.max(slash, 0)))!;
    const folder = steps.length === 0 ? this.root : steps[steps.length - 1]!.node;
    const node = folder?.children?.get(linkPath.slice(slash + 1));
    if (node === undefined || node.type === "directory") {
      const found = node === undefined ? "nothing" : "a folder";
      throw badEntry(
        entry,
        `expected a file as the target of the hard link, found ${found} at "${showName(linkPath)}"`,
      );
    }
    node.isLinked = true;
    return node;
  }
}

function badEntry(entry: LayerEntry, message: string): ImageError {
  return new ImageError(ErrorCode.BAD_ENTRY, message, { path: showName(entry.path) });
}

function setMetadata(node: TreeNode, entry: LayerEntry): void {
  node.mode = entry.mode;
  node.uid = entry.uid;
  node.gid = entry.gid;
  node.mtimeSeconds = entry.mtimeSeconds;
  node.mtimeNanoseconds = entry.mtimeNanoseconds;
  node.xattrs = nodeXattrs(entry.xattrs);
}

function makeNode(entry: LayerEntry, type: TreeNode["type"]): TreeNode {
  const isSymlink = type === "symlink";
  const isDevice = type === "character" || type === "block";
  if (isSymlink && entry.linkPath === "")
    throw badEntry(entry, "expected a symlink to name something, found nothing");
  const node: TreeNode = {
    type,
    // A symlink has no mode of its own: file systems report this one, tools write what they like.
    mode: isSymlink ? 0o777 : entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    mtimeNanoseconds: entry.mtimeNanoseconds,
    linkText: isSymlink ? entry.linkPath : "",
    deviceMajor: isDevice ? entry.deviceMajor : 0,
    deviceMinor: isDevice ? entry.deviceMinor : 0,
    xattrs: nodeXattrs(entry.xattrs),
    content: type === "file" ? entry.content : NO_CONTENT,
    isLinked: entry.isLinked ?? false,
  };
  if (type === "directory") node.children = new Map();
  return node;
}

/**
 * The tree that the layers make, lowest first. Costs memory for each entry (some hundred bytes), none for contents.
 *
 * - A whiteout hides what lower layers have there, an opaque one all that they have in its folder; never anything of
 *   its own layer, wherever it stands in it. Other `.wh..wh.` entries are records of aufs and skipped.
 * - A folder over a folder brings its own metadata and keeps the children; else the later entry replaces the earlier.
 * - Symlinks on the way to an entry are followed inside the root. Folders on the way that no entry makes get mode 0755,
 *   owner 0:0 and time 0.
 * - A hard link is another place of the same node; metadata of the link entry is ignored.
 *
 * @throws {@link ImageError} `BAD_ENTRY`, `UNSAFE_PATH`, and what reading the layers throws.
 * @throws {@link LimitError} `COUNT_LIMIT`, `MEMORY_LIMIT`.
 */
export async function mergeLayers(
  layers: readonly ImageLayer[],
  options: MergeOptions = {},
): Promise<TreeNode> {
  const merger = new TreeMerger(options);
  for (const layer of layers) await merger.addLayer(layer, options.signal);
  return merger.root;
}

/** A node and the path that leads to it; "" is the root. */
export interface TreeVisit {
  path: string;
  node: TreeNode;
}

/** All nodes of a tree, the root first, each folder before its children, children in the order of their names' bytes. */
export function* walkTree(root: TreeNode): Generator<TreeVisit, void, undefined> {
  const todo: TreeVisit[] = [{ path: "", node: root }];
  for (let visit = todo.pop(); visit !== undefined; visit = todo.pop()) {
    yield visit;
    const { path, node } = visit;
    if (node.children === undefined) continue;
    const prefix = path === "" ? "" : `${path}/`;
    const names = [...node.children.keys()].sort().reverse();
    for (const name of names) todo.push({ path: prefix + name, node: node.children.get(name)! });
  }
}
