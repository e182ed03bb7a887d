import { splitPath } from "./target.ts";
import type { TreeFolder } from "./tree-folder.ts";

const MAX_OPEN_FOLDERS = 64;

/** Opens folders of a tree by their paths, one component after another, and keeps some open. For one user at a time. */
export class TreeHandles {
  readonly #root: TreeFolder;
  /** Least recently used first. */
  readonly #open = new Map<string, TreeFolder>();

  /** @param root - stays open. */
  constructor(root: TreeFolder) {
    this.#root = root;
  }

  /**
   * The folder at a path; "" is the root. It is open until others were opened.
   *
   * @throws the system's `ENOENT`, `ENOTDIR` or `ELOOP`.
   */
  async open(path: string): Promise<TreeFolder> {
    if (path === "") return this.#root;
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    const [parent, name] = splitPath(path);
    const folder = await (await this.open(parent)).openFolder(name);
    this.#open.set(path, folder);
    if (this.#open.size > MAX_OPEN_FOLDERS) {
      const [oldest] = this.#open.keys();
      await this.forget(oldest!);
    }
    return folder;
  }

  /** Close a folder: it is removed, or was not used for long. */
  async forget(path: string): Promise<void> {
    const folder = this.#open.get(path);
    this.#open.delete(path);
    await folder?.close();
  }

  async close(): Promise<void> {
    for (const path of [...this.#open.keys()]) await this.forget(path);
  }
}
