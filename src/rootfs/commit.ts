import { errorCodeOf } from "../errors.ts";
import { JOURNAL_NAME } from "../image/rootfs-site.ts";
import { readRange } from "../io/index.ts";
import type { Journal } from "./journal.ts";
import type { AttributeChange, AttributeChanges, Placement, Removal } from "./plan.ts";
import { syncAll } from "./staging.ts";
import { splitPath } from "./target.ts";
import type { TreeFolder } from "./tree-folder.ts";
import { TreeHandles } from "./tree-handles.ts";

/** Names in the staging folder that are no numbers. */
export const StagedName = { JOURNAL: JOURNAL_NAME, CONFIG: "config", SIDECAR: "sidecar" } as const;

// No entry of an image can have such a name, so it never stands in the way of one.
const TEMPORARY_PREFIX = ".wh.flatdelta-";

/** Whether there is no such folder: nothing, or something else, is in its place. */
function isNoFolder(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(errorCodeOf(error));
}

/** Where the steps are done. */
export interface CommitPlace {
  /** The folder that holds the tree. */
  parent: TreeFolder;
  name: string;
  /** The tree. */
  root: TreeFolder;
  staging: TreeFolder;
}

/** Does the steps of a journal, each as far as it is not done yet. */
class Commit {
  readonly #place: CommitPlace;
  readonly #handles: TreeHandles;
  /** Whether an earlier run may have done some of it. */
  readonly #isRerun: boolean;
  readonly #touched = new Set<string>();

  constructor(place: CommitPlace, handles: TreeHandles, isRerun: boolean) {
    this.#place = place;
    this.#handles = handles;
    this.#isRerun = isRerun;
  }

  async run({ removals, folders, placements, attributes, isPrivileged }: Journal): Promise<void> {
    if (!isPrivileged) await this.#openFolders(attributes);
    for (const removal of removals) await this.#remove(removal);
    for (const path of folders) await this.#makeFolder(path);
    for (const [i, placement] of placements.entries()) await this.#put(placement, `${TEMPORARY_PREFIX}${i}`);
    for (const change of attributes) await this.#change(change);
    await this.#sync(removals, attributes);
  }

  /** Who is not root must be let into the folders before anything changes in them. */
  async #openFolders(attributes: AttributeChanges): Promise<void> {
    for (const change of attributes) {
      if (!change.isFolder) continue;
      await this.#change({ ...change, setXattrs: [], removeXattrs: [] }).catch((error: unknown) => {
        // It is yet to be made.
        if (!isNoFolder(error)) throw error;
      });
    }
  }

  #touch(path: string): string {
    const [folder, name] = splitPath(path);
    this.#touched.add(folder);
    return name;
  }

  async #remove({ path, isFolder }: Removal): Promise<void> {
    const [folderPath, name] = splitPath(path);
    const folder = await this.#handles.open(folderPath).catch((error: unknown) => {
      if (isNoFolder(error)) return undefined;
      throw error;
    });
    if (folder === undefined) return;
    this.#touch(path);
    if (this.#isRerun) {
      const present = await folder.stat(name);
      // What is not of this kind is what the target has there: it came in an earlier run.
      if (present === undefined || (present.type === "directory") !== isFolder) return;
    }
    if (!isFolder) {
      try {
        return await folder.remove(name);
      } catch (error) {
        // Gone by itself, as files of what runs in the tree may be.
        if (errorCodeOf(error) !== "ENOENT") throw error;
        return;
      }
    }
    await this.#handles.forget(path);
    await folder.removeFolder(name).catch(async (error: unknown) => {
      if (errorCodeOf(error) !== "ENOTEMPTY" && errorCodeOf(error) !== "EEXIST") throw error;
      await removeSockets(folder, name);
      await folder.removeFolder(name);
    });
  }

  async #makeFolder(path: string): Promise<void> {
    const name = this.#touch(path);
    const folder = await this.#handles.open(splitPath(path)[0]);
    if ((await folder.stat(name))?.type !== "directory") await folder.makeFolder(name);
    this.#touched.add(path);
  }

  async #put({ path, from, replaces }: Placement, temporary: string): Promise<void> {
    const name = this.#touch(path);
    const [fromPath, fromName] = typeof from === "number" ? ["", String(from)] : splitPath(from);
    const fromFolder = typeof from === "number" ? this.#place.staging : await this.#handles.open(fromPath);
    const folder = await this.#handles.open(splitPath(path)[0]);
    if (this.#isRerun) {
      // Two names of one file are no rename: the system would leave both. So what is left of an earlier run goes first.
      if ((await folder.stat(temporary)) !== undefined) await folder.remove(temporary);
      const present = await folder.stat(name);
      if (present === undefined) return fromFolder.link(fromName, folder, name);
      if ((await fromFolder.stat(fromName))?.inode === present.inode) return;
    } else if (!replaces) {
      try {
        return await fromFolder.link(fromName, folder, name);
      } catch (error) {
        // A socket, which belongs to no image.
        if (errorCodeOf(error) !== "EEXIST") throw error;
      }
    }
    await fromFolder.link(fromName, folder, temporary);
    await folder.rename(temporary, name);
  }

  async #change({ path, attributes, setXattrs, removeXattrs }: AttributeChange): Promise<void> {
    const [folderPath, entryName] = splitPath(path);
    const folder = path === "" ? this.#place.parent : await this.#handles.open(folderPath);
    const name = path === "" ? this.#place.name : entryName;
    await folder.setAttributes(name, attributes);
    if (setXattrs.length + removeXattrs.length === 0) return;
    const set = new Map(setXattrs.map(([key, value]) => [key, new Uint8Array(Buffer.from(value, "base64"))]));
    await folder.changeXattrs(name, set, removeXattrs);
  }

  async #sync(removals: readonly Removal[], attributes: AttributeChanges): Promise<void> {
    const gone = new Set(removals.filter(({ isFolder }) => isFolder).map(({ path }) => path));
    // What holds nothing any more needs no sync: its parent's says that it is gone.
    const folders = new Set([...this.#touched].filter((path) => !gone.has(path)));
    let fileCount = 0;
    for (const { path, isFolder } of attributes) {
      if (isFolder) folders.add(path);
      else fileCount++;
    }
    await syncAll(this.#place.root, fileCount + folders.size, async () => {
      for (const { path, isFolder } of attributes) {
        if (isFolder) continue;
        const [folder, name] = splitPath(path);
        await (await this.#handles.open(folder)).syncEntry(name);
      }
      for (const path of folders) await (await this.#handles.open(path)).sync();
    });
  }
}

/** Sockets belong to no image: those that a removed folder holds go with it. */
async function removeSockets(parent: TreeFolder, name: string): Promise<void> {
  const folder = await parent.openFolder(name);
  try {
    for (const entry of await folder.list())
      if ((await folder.stat(entry))?.type === "socket") await folder.remove(entry);
  } finally {
    await folder.close();
  }
}

/**
 * Do all steps of a journal and make them durable. Whatever an earlier run did of them, and whatever a cut left of that,
 * the end is the same.
 *
 * @param isRerun - whether there may have been one.
 */
export async function commitSteps(place: CommitPlace, journal: Journal, isRerun: boolean): Promise<void> {
  const handles = new TreeHandles(place.root);
  try {
    await new Commit(place, handles, isRerun).run(journal);
  } finally {
    await handles.close();
  }
}

const MAX_INSTALLED_BYTES = 2 ** 30;

/** Put a staged file under a name in another folder, durably and at once, wherever that folder lies. */
export async function installFile(
  staging: TreeFolder,
  stagedName: string,
  folder: TreeFolder,
  name: string,
): Promise<void> {
  const source = await staging.openFile(stagedName, "existing");
  try {
    const bytes = await readRange(source, 0, source.size, MAX_INSTALLED_BYTES);
    const temporary = `.${name}.flatdelta-part`;
    // What a cut left under this name may be the very file that has the other name already.
    if ((await folder.stat(temporary)) !== undefined) await folder.remove(temporary);
    const file = await folder.openFile(temporary, "new");
    try {
      await file.write(0, bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await folder.rename(temporary, name);
    await folder.sync();
  } finally {
    await source.close();
  }
}
