import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { lstat, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { encodeUtf8 } from "../bytes/index.ts";
import { ErrorCode, ImageError } from "../errors.ts";
import { openFileSource } from "../io/node.ts";
import { NO_CONTENT } from "./content.ts";
import { JsonShape, parseJson, readJsonBytes } from "./json.ts";
import { fillLimits, type ReadLimits } from "./limits.ts";
import { machineArchitecture } from "./platform.ts";
import { FilePool, readFacts } from "./rootfs-content.ts";
import { mergeSidecar, readSidecar } from "./rootfs-sidecar.ts";
import { checkNothingPending, locateRootfs } from "./rootfs-site.ts";
import { type FolderXattrs, readFolderXattrs } from "./rootfs-xattrs.ts";
import type { EntryType, Image, LayerEntry } from "./types.ts";

/** Options of {@link readRootfs}. */
export interface ReadRootfsOptions {
  /** Path of the image's config JSON. Without one the config says Linux, this machine's architecture, nothing else. */
  config?: string | undefined;
  /**
   * Whether to read extended attributes, for which the program `getfattr` must be installed ("read", the default), or to
   * take it that there are none ("ignore").
   */
  xattrs?: "read" | "ignore" | undefined;
  /**
   * What to do with a folder of which an update was interrupted: "refuse" it with `UPDATE_PENDING`, the default, or "read"
   * what is there.
   */
  pending?: "refuse" | "read" | undefined;
  /** Stops the walk. */
  signal?: AbortSignal | undefined;
  limits?: Pick<ReadLimits, "jsonBytes"> | undefined;
}

const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();
// Entries that are looked at in one go, without the thread pool: a walk over 25,000 entries takes a third of the time.
const STAT_BATCH = 64;

/**
 * Read an unpacked root file system as an image of one layer: everything below the folder, names as bytes, nothing
 * followed, sockets left out as tar does. Must run as a user who may read it all (root, as a rule), and nothing may write
 * to it: a file that changes meanwhile is `SOURCE_CHANGED`.
 *
 * What an unprivileged update could not set (see `flatdelta/rootfs`) is read from the file that it left beside the folder.
 *
 * Of several hard links to a file, the first in the order of the walk (children by the bytes of their names) is the
 * file.
 *
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` when `getfattr` is not installed.
 * @throws {@link ImageError} `BAD_ENTRY` for names that mean something else in an image (`.wh.…`), `BAD_MANIFEST` for a
 * config that is no JSON object.
 * @throws {@link StateError} `UPDATE_PENDING`.
 * @throws the operating system's errors.
 */
export async function readRootfs(folder: string, options: ReadRootfsOptions = {}): Promise<Image> {
  const root = await realpath(folder);
  const { parent, sidecarName } = locateRootfs(root);
  if (options.pending !== "read") await checkNothingPending(root);
  const config = await readConfig(options);
  const sidecar = await readSidecar(join(parent, sidecarName));
  if (!(await stat(root)).isDirectory()) {
    throw new ImageError(ErrorCode.IMAGE_NOT_FOUND, "expected a folder", { path: folder });
  }
  const binaryRoot = Buffer.from(root).toString("latin1");
  const pool = new FilePool(binaryRoot);
  return {
    config,
    layers: [
      {
        async *entries(request = {}) {
          const signals = [options.signal, request.signal].filter((signal) => signal !== undefined);
          const signal = signals.length === 0 ? undefined : AbortSignal.any(signals);
          const xattrs = options.xattrs === "ignore" ? new Map() : await readFolderXattrs(root, signal);
          for await (const entry of walk(binaryRoot, xattrs, pool, signal))
            yield sidecar.size === 0 ? entry : mergeSidecar(entry, sidecar);
        },
      },
    ],
    references: [],
    close: () => pool.close(),
  };
}

async function readConfig({ config: path, limits }: ReadRootfsOptions): Promise<Uint8Array> {
  if (path === undefined) {
    return encodeUtf8(JSON.stringify({ architecture: machineArchitecture(), os: "linux", config: {} }));
  }
  const source = await openFileSource(path);
  try {
    const bytes = await readJsonBytes(source, path, fillLimits(limits).jsonBytes);
    new JsonShape(path).object(parseJson(bytes, path), "image config");
    return bytes;
  } finally {
    await source.close();
  }
}

/** A folder of the walk: its children and how far the walk came. */
interface Visit {
  path: string;
  names: readonly string[];
  at: number;
  /** Of the children from `statsFrom` on. */
  stats: readonly BigIntStats[];
  statsFrom: number;
}

const toBytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** Entries below `root`, folders before their children. Paths are binary strings. */
async function* walk(
  root: string,
  xattrs: FolderXattrs,
  pool: FilePool,
  signal: AbortSignal | undefined,
): AsyncGenerator<LayerEntry, void, undefined> {
  const links = new Map<string, string>();
  const toEntry = (path: string, stats: BigIntStats): LayerEntry | undefined => {
    const type = typeOf(stats);
    if (type === undefined) return undefined;
    const entry = describeEntry(type, path, stats, xattrs.get(path) ?? NO_XATTRS);
    if (entry.isLinked) {
      const inode = `${stats.dev}:${stats.ino}`;
      const first = links.get(inode);
      if (first !== undefined) return { ...entry, type: "hardlink", linkPath: first };
      links.set(inode, path);
    }
    if (type === "file" && stats.size > 0n) entry.content = pool.source(path, readFacts(stats));
    return type === "symlink" ? readLink(root, entry) : entry;
  };

  yield toEntry("", await lstat(toBytes(root), { bigint: true }))!;
  const visits = [visitFolder(root, "")];
  while (visits.length > 0) {
    signal?.throwIfAborted();
    const visit = visits.at(-1)!;
    const name = visit.names[visit.at];
    if (name === undefined) {
      visits.pop();
      continue;
    }
    if (visit.at === visit.statsFrom + visit.stats.length) statMore(root, visit);
    const stats = visit.stats[visit.at++ - visit.statsFrom]!;
    const path = visit.path === "" ? name : `${visit.path}/${name}`;
    checkName(name, path);
    const entry = toEntry(path, stats);
    if (entry === undefined) continue;
    yield entry;
    if (entry.type === "directory") visits.push(visitFolder(root, path));
  }
}

function visitFolder(root: string, path: string): Visit {
  const names = readdirSync(toBytes(`${root}/${path}`), { encoding: "buffer" });
  return { path, names: names.map((name) => name.toString("latin1")).sort(), at: 0, stats: [], statsFrom: 0 };
}

function statMore(root: string, visit: Visit): void {
  visit.statsFrom = visit.at;
  const names = visit.names.slice(visit.at, visit.at + STAT_BATCH);
  visit.stats = names.map((name) => lstatSync(toBytes(`${root}/${visit.path}/${name}`), { bigint: true }));
}

function checkName(name: string, path: string): void {
  if (!name.startsWith(".wh.")) return;
  throw new ImageError(
    ErrorCode.BAD_ENTRY,
    "a name that begins with .wh. hides files in an image and cannot be the name of one; remove it",
    { path: toBytes(path).toString() },
  );
}

function typeOf(stats: BigIntStats): EntryType | undefined {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  if (stats.isFIFO()) return "fifo";
  return undefined; // Sockets.
}

function describeEntry(
  type: EntryType,
  path: string,
  stats: BigIntStats,
  xattrs: ReadonlyMap<string, Uint8Array>,
): LayerEntry {
  const { mtimeSeconds, mtimeNanoseconds } = readFacts(stats);
  const isDevice = type === "character" || type === "block";
  return {
    type,
    path,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeSeconds,
    mtimeNanoseconds,
    linkPath: "",
    // Linux spreads both numbers over a 64-bit one: glibc's gnu_dev_major and gnu_dev_minor.
    deviceMajor: isDevice ? Number(((stats.rdev >> 8n) & 0xfffn) | ((stats.rdev >> 32n) & 0xfffff000n)) : 0,
    deviceMinor: isDevice ? Number((stats.rdev & 0xffn) | ((stats.rdev >> 12n) & 0xffffff00n)) : 0,
    xattrs,
    content: NO_CONTENT,
    isLinked: type !== "directory" && stats.nlink > 1n,
  };
}

function readLink(root: string, entry: LayerEntry): LayerEntry {
  const target = readlinkSync(toBytes(`${root}/${entry.path}`), { encoding: "buffer" });
  return { ...entry, linkPath: target.toString("latin1") };
}
