import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { open, statfs } from "node:fs/promises";
import { ErrorCode, FlatdeltaError, UnsupportedError } from "../errors.ts";
import { formatPaxTime, isUtf8 } from "../image/tar/index.ts";
import type { StorageFile } from "../io/index.ts";
import { runProgram } from "./programs.ts";
import { O_PATH, releaseEntry } from "./release.ts";
import { TreeFile } from "./tree-file.ts";
import type { TreeAttributes, TreeFolder, TreeStat } from "./tree-folder.ts";

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function typeOf(stats: BigIntStats): TreeStat["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  return stats.isFIFO() ? "fifo" : "socket";
}

/** Whether Node sets a time as it is: whole seconds since 1970. It rounds fractions, and takes earlier times for now. */
function isPlainTime({ mtimeSeconds, mtimeNanoseconds }: TreeAttributes): boolean {
  return mtimeNanoseconds === 0 && mtimeSeconds >= 0;
}

/** Give the entry of a handle a mode; a symlink has none. */
function changeMode(fd: number, mode: number): void {
  if (!fstatSync(fd).isSymbolicLink()) chmodSync(`/proc/self/fd/${fd}`, mode);
}

/** A byte of a name as `setfattr --restore` takes it. */
function escapeName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be escaped.
  return name.replace(/[\x00-\x1f\\=\x7f-\xff]/gu, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
}

/**
 * A folder by an open handle; Linux leads from `/proc/self/fd` to the folder itself. Calls are the blocking ones where they
 * are short: that takes a tenth of the time for the thousands of them that a large update is.
 */
class NodeTreeFolder implements TreeFolder {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  #at(name: string): Buffer {
    if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0"))
      throw new TypeError(`expected the name of an entry, got ${JSON.stringify(name)}`);
    return Buffer.from(`/proc/self/fd/${this.#fd}/${name}`, "latin1");
  }

  /** The folder as the working directory of a program: that is entered when the program has this process' handles still. */
  get #path(): string {
    return `/proc/self/fd/${this.#fd}`;
  }

  async list(): Promise<string[]> {
    const names = readdirSync(`/proc/self/fd/${this.#fd}`, { encoding: "buffer" });
    return names.map((name) => name.toString("latin1"));
  }

  async openFile(name: string, how: "existing" | "new"): Promise<StorageFile> {
    const create = how === "new" ? constants.O_CREAT | constants.O_TRUNC : 0;
    const descriptor = openSync(this.#at(name), constants.O_RDWR | constants.O_NOFOLLOW | create, 0o666);
    return new TreeFile(descriptor, how === "new" ? 0 : fstatSync(descriptor).size);
  }

  async remove(name: string): Promise<void> {
    const path = this.#at(name);
    await releaseEntry(path, () => unlinkSync(path));
  }

  async unlink(name: string): Promise<void> {
    unlinkSync(this.#at(name));
  }

  async rename(from: string, to: string): Promise<void> {
    const path = this.#at(to);
    await releaseEntry(path, () => renameSync(this.#at(from), path));
  }

  async sync(): Promise<void> {
    const handle = await open(`/proc/self/fd/${this.#fd}`, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(`/proc/self/fd/${this.#fd}`, { bigint: true });
    return Number(bavail * bsize);
  }

  async stat(name: string): Promise<TreeStat | undefined> {
    const stats = lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    return { type: typeOf(stats), device: stats.dev, inode: stats.ino, linkCount: Number(stats.nlink) };
  }

  async openFolder(name: string): Promise<TreeFolder> {
    return new NodeTreeFolder(openSync(this.#at(name), FOLDER_FLAGS));
  }

  async makeFolder(name: string): Promise<void> {
    mkdirSync(this.#at(name), 0o700);
  }

  async removeFolder(name: string): Promise<void> {
    const path = this.#at(name);
    await releaseEntry(path, () => rmdirSync(path));
  }

  async makeSymlink(name: string, linkText: string): Promise<void> {
    symlinkSync(Buffer.from(linkText, "latin1"), this.#at(name));
  }

  async makeNode(
    name: string,
    type: "character" | "block" | "fifo",
    deviceMajor: number,
    deviceMinor: number,
  ): Promise<void> {
    const numbers = type === "fifo" ? [] : [String(deviceMajor), String(deviceMinor)];
    const letter = { character: "c", block: "b", fifo: "p" }[type];
    await this.#run("mknod", ["--", `./${name}`, letter, ...numbers]);
  }

  async link(from: string, toFolder: TreeFolder, name: string): Promise<void> {
    linkSync(this.#at(from), (toFolder as NodeTreeFolder).#at(name));
  }

  async setAttributes(name: string, attributes: TreeAttributes): Promise<void> {
    const { uid, gid, mode, mtimeSeconds } = attributes;
    const path = this.#at(name);
    const stats = lstatSync(path);
    const hasOwner = stats.uid === uid && stats.gid === gid;
    if (!hasOwner) lchownSync(path, uid, gid);
    // Behind the change of owner, which takes bits away. In most updates nothing but times changes.
    if (!hasOwner || (stats.mode & 0o7777) !== mode)
      await this.#withHandle(path, (fd) => changeMode(fd, mode));
    if (isPlainTime(attributes)) lutimesSync(path, mtimeSeconds, mtimeSeconds);
    // Arguments of programs are text. Links and devices get their times in the staging folder, where names are numbers.
    else if (isUtf8(name)) await this.#touch(attributes, ["-h", "--", `./${Buffer.from(name, "latin1")}`]);
    else await this.#withHandle(path, (fd) => this.#touch(attributes, [`/proc/${process.pid}/fd/${fd}`]));
  }

  /** Do something to the entry itself by a handle: there is no chmod that does not follow a symlink. */
  async #withHandle(path: Buffer, change: (fd: number) => void | Promise<void>): Promise<void> {
    const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
    try {
      await change(fd);
    } finally {
      closeSync(fd);
    }
  }

  #touch({ mtimeSeconds, mtimeNanoseconds }: TreeAttributes, args: readonly string[]): Promise<void> {
    const time = `@${formatPaxTime(mtimeSeconds, mtimeNanoseconds)}`;
    return this.#run("touch", ["-c", "-d", time, ...args]);
  }

  async changeXattrs(
    name: string,
    set: ReadonlyMap<string, Uint8Array>,
    remove: readonly string[],
  ): Promise<void> {
    if (set.size > 0) {
      // From a dump, since arguments of programs are text and names are bytes.
      const lines = [...set].map(
        ([key, value]) => `${escapeName(key)}=0s${Buffer.from(value).toString("base64")}\n`,
      );
      const input = `# file: ./${escapeName(name)}\n${lines.join("")}\n`;
      await this.#run("setfattr", ["-h", "--restore=-"], input);
    }
    for (const key of remove) {
      const args = ["-h", "-x", Buffer.from(key, "latin1").toString(), "--"];
      const path = `./${Buffer.from(name, "latin1").toString()}`;
      const { exitCode, complaints } = await runProgram("setfattr", [...args, path], { cwd: this.#path });
      if (exitCode !== 0 && !/no such attribute|no data/iu.test(complaints))
        throw failed("setfattr", complaints);
    }
  }

  async syncEntry(name: string): Promise<void> {
    const stats = lstatSync(this.#at(name));
    // What is neither goes to the disk with the folder that it is in.
    if (!stats.isFile() && !stats.isDirectory()) return;
    const handle = await open(
      this.#at(name),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async syncFileSystem(): Promise<boolean> {
    const found = await runProgram("sync", ["-f", "."], { cwd: this.#path }).catch((error: unknown) => {
      if (error instanceof UnsupportedError) return undefined;
      throw error;
    });
    if (found === undefined || /option/u.test(found.complaints)) return false;
    if (found.exitCode !== 0) throw failed("sync", found.complaints);
    return true;
  }

  async close(): Promise<void> {
    closeSync(this.#fd);
  }

  async #run(program: string, args: readonly string[], input?: string): Promise<void> {
    const options = input === undefined ? { cwd: this.#path } : { cwd: this.#path, input };
    const { exitCode, complaints } = await runProgram(program, args, options);
    if (exitCode !== 0) throw failed(program, complaints);
  }
}

function failed(program: string, complaints: string): FlatdeltaError {
  return new FlatdeltaError(ErrorCode.UNSUPPORTED_FEATURE, `${program} failed: ${complaints}`);
}

/**
 * Open a folder by its path, symlinks in it followed; from there on nothing leads elsewhere.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` where there is no `/proc/self/fd` as Linux has it.
 */
export function openTreeFolder(path: string): TreeFolder {
  if (process.platform !== "linux") {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      "a rootfs folder can be changed in place on Linux only",
    );
  }
  return new NodeTreeFolder(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
}
