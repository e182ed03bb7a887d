/** Trees on a simulated disk. */
import { encodeUtf8 } from "../../src/bytes/index.ts";
import type { Image, LayerEntry } from "../../src/image/types.ts";
import { memorySource, readRange } from "../../src/io/index.ts";
import type { TreeSite } from "../../src/rootfs/update.ts";
import type { SimulatedDisk, SimulatedFolder } from "../faults/disk.ts";

export const NAME = "rootfs";
export const CONFIG = "config.json";
const STAGING = ".rootfs.flatdelta";

/** An entry of a tree that a test makes; text, or what else it is. */
export type Entry =
  | string
  | {
      text?: string;
      folder?: true;
      symlink?: string;
      link?: string;
      device?: number;
      mode?: number;
      uid?: number;
      time?: number;
      xattrs?: Record<string, string>;
    };

const DEFAULT_TIME = 1_000;

/** What can stand at a place, by turns; a link leads to a file that stands before it, if there is one. */
const CHOICES: readonly (Entry | undefined)[] = [
  undefined,
  undefined,
  "one",
  "two".repeat(400),
  { text: "one", mode: 0o4711, uid: 3 },
  { text: "one", xattrs: { "security.capability": "1" } },
  { text: "one", time: 7 },
  { symlink: "a" },
  { device: 5 },
  { link: "" },
];

/** A small tree: `random` decides what stands where, folders' places included. */
export function makeTree(random: () => number): Record<string, Entry> {
  const tree: Record<string, Entry> = {};
  const files: string[] = [];
  const choose = (): number => Math.floor(random() * CHOICES.length);
  const put = (path: string): void => {
    const choice = CHOICES[choose()];
    if (choice === undefined) return;
    const isLink = typeof choice === "object" && choice.link !== undefined;
    if (isLink && files.length === 0) return;
    tree[path] = isLink ? { link: files[Math.floor(random() * files.length)]! } : choice;
    if (typeof choice === "string" || choice.text !== undefined) files.push(path);
  };
  for (const folder of ["a", "b", "b/c", "d"]) {
    const parent = folder.slice(0, Math.max(0, folder.lastIndexOf("/")));
    if (parent !== "" && !isFolder(tree[parent])) continue;
    if (random() < 0.6) tree[folder] = { folder: true, mode: random() < 0.5 ? 0o755 : 0o750 };
    else put(folder);
    if (isFolder(tree[folder])) for (const name of ["x", "y"]) put(`${folder}/${name}`);
  }
  return tree;
}

function isFolder(entry: Entry | undefined): boolean {
  return typeof entry === "object" && entry.folder === true;
}

/** Put a tree on the disk, durably. Folders stand before what is in them. */
export async function putTree(
  disk: SimulatedDisk,
  entries: Readonly<Record<string, Entry>>,
  config: object,
): Promise<void> {
  const top = disk.folder("");
  await top.makeFolder(NAME);
  const root = disk.folder(NAME);
  const at = (path: string): [SimulatedFolder, string] => {
    const slash = path.lastIndexOf("/");
    return slash < 0 ? [root, path] : [disk.folder(`${NAME}/${path.slice(0, slash)}`), path.slice(slash + 1)];
  };
  for (const [path, given] of Object.entries(entries)) {
    const entry = typeof given === "string" ? { text: given } : given;
    const [folder, name] = at(path);
    if (entry.folder) await folder.makeFolder(name);
    else if (entry.symlink !== undefined) await folder.makeSymlink(name, entry.symlink);
    else if (entry.device !== undefined) await folder.makeNode(name, "character", 1, entry.device);
    else if (entry.link !== undefined) {
      const [from, fromName] = at(entry.link);
      await from.link(fromName, folder, name);
    } else {
      const file = await folder.openFile(name, "new");
      await file.write(0, encodeUtf8(entry.text ?? ""));
      await file.close();
    }
  }
  for (const [path, given] of Object.entries(entries).reverse()) {
    const entry = typeof given === "string" ? {} : given;
    if (entry.link !== undefined) continue;
    const [folder, name] = at(path);
    const { mode = 0o755, uid = 0, time = DEFAULT_TIME, xattrs = {} } = entry;
    await folder.setAttributes(name, { mode, uid, gid: 0, mtimeSeconds: time, mtimeNanoseconds: 0 });
    const values = Object.entries(xattrs).map(([key, value]) => [key, encodeUtf8(value)] as const);
    if (values.length > 0) await folder.changeXattrs(name, new Map(values), []);
  }
  const file = await top.openFile(CONFIG, "new");
  await file.write(0, encodeUtf8(JSON.stringify({ architecture: "amd64", os: "linux", config })));
  await file.close();
  disk.settle();
}

async function readAll(folder: SimulatedFolder, name: string): Promise<Uint8Array> {
  const file = await folder.openFile(name, "existing");
  const bytes = await readRange(file, 0, file.size);
  await file.close();
  return bytes;
}

async function* walk(disk: SimulatedDisk): AsyncGenerator<LayerEntry> {
  const links = new Map<bigint, string>();
  async function* visit(folder: SimulatedFolder, prefix: string): AsyncGenerator<LayerEntry> {
    for (const name of (await folder.list()).sort()) {
      const path = prefix + name;
      const { inode, type, linkCount, ...stat } = (await folder.stat(name))!;
      const entry: LayerEntry = {
        ...stat,
        type,
        path,
        linkPath: "",
        content: memorySource(new Uint8Array(0)),
        isLinked: type !== "directory" && linkCount > 1,
      };
      const first = links.get(inode);
      links.set(inode, first ?? path);
      if (first !== undefined) yield { ...entry, type: "hardlink", linkPath: first };
      else if (type === "symlink") yield { ...entry, linkPath: await folder.readLink(name) };
      else if (type === "file") yield { ...entry, content: memorySource(await readAll(folder, name)) };
      else yield entry;
      if (type === "directory") yield* visit(await folder.openFolder(name), `${path}/`);
    }
  }
  const { type, ...root } = (await disk.folder("").stat(NAME))!;
  yield { ...root, type, path: "", linkPath: "", content: memorySource(new Uint8Array(0)) };
  yield* visit(disk.folder(NAME), "");
}

export async function readSimulatedImage(disk: SimulatedDisk): Promise<Image> {
  return {
    config: await readAll(disk.folder(""), CONFIG),
    layers: [{ entries: () => walk(disk) }],
    references: [],
    close: async () => {},
  };
}

export function siteOf(disk: SimulatedDisk): TreeSite {
  return {
    parent: disk.folder(""),
    name: NAME,
    stagingName: STAGING,
    sidecarName: ".rootfs.flatdelta.json",
    config: { folder: disk.folder(""), name: CONFIG },
    owner: undefined,
    readImage: () => readSimulatedImage(disk),
  };
}

/** All that is on the disk and matters, in words, but for the names of inodes and the time of the top folders. */
export async function describeDisk(disk: SimulatedDisk): Promise<string> {
  const lines = [];
  for await (const { content, xattrs, ...entry } of walk(disk)) {
    const { type, path, linkPath, mode, uid, gid, mtimeSeconds, deviceMinor } = entry;
    const bytes = Buffer.from(await readRange(content, 0, content.size)).toString("latin1");
    const values = [...xattrs].map(([key, value]) => `${key}=${Buffer.from(value)}`).sort();
    lines.push(
      [
        type,
        path,
        linkPath,
        mode,
        uid,
        gid,
        path === "" ? "" : mtimeSeconds,
        deviceMinor,
        bytes,
        ...values,
      ].join("|"),
    );
  }
  const top = (await disk.folder("").list()).filter((name) => name !== STAGING).sort();
  const config = Buffer.from(await readAll(disk.folder(""), CONFIG)).toString();
  return [...lines, ...top, config].join("\n");
}

/** Whether something of an update lies beside the tree. */
export async function hasStaging(disk: SimulatedDisk): Promise<boolean> {
  return (await disk.folder("").stat(STAGING)) !== undefined;
}
