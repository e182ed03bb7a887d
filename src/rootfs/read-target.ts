import { ErrorCode, ImageError, LimitError } from "../errors.ts";
import { ENVELOPE_ROLES } from "../image/flat/envelope.ts";
import { LayerCursor } from "../image/flat/scan.ts";
import { parseTar, ScanCursor, showName, type TarHeader } from "../image/tar/index.ts";
import type { TreeNode } from "../image/tree.ts";
import type { StagedFile, Staging } from "./staging.ts";
import { findNode, isInnerPath, MAX_TREE_DEPTH, splitPath } from "./target.ts";
import { type EntryFields, TargetTree } from "./target-tree.ts";

const PIECE_BYTES = 1 << 18;
const MAX_CONFIG_BYTES = 16 * 2 ** 20;

function badTarget(message: string, path?: string): ImageError {
  return new ImageError(ErrorCode.BAD_ENTRY, message, path === undefined ? {} : { path: showName(path) });
}

/** Where contents of the target come from. */
export interface ContentOrigin {
  /** Whether the bytes of the target at `targetOffset` are known to be those of a present content at `offset`. */
  isFrom(content: TreeNode["content"], offset: number, targetOffset: number, length: number): boolean;
  /** Nothing before `targetOffset` is asked for any more. */
  passTo(targetOffset: number): void;
}

/**
 * Reads the target's flat image as it is made. What the present tree has already is only compared; contents that are new
 * go to the staging folder from their first byte that differs on, what precedes it being copied.
 */
export class TargetReader {
  readonly #present: TreeNode;
  readonly #staging: Staging;
  readonly #origin: ContentOrigin;
  readonly #buffer = Buffer.alloc(PIECE_BYTES);

  /** @param origin - tells of contents that need not be read to be compared. */
  constructor(present: TreeNode, staging: Staging, origin: ContentOrigin) {
    this.#origin = origin;
    this.#present = present;
    this.#staging = staging;
  }

  /**
   * @param pieces - the flat image in order, `sizeBytes` altogether.
   * @throws {@link ImageError} when it is none, or has a path that leads out of the tree (`UNSAFE_PATH`).
   * @throws {@link SpaceError} `NO_SPACE`.
   */
  async read(pieces: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<TargetTree> {
    const cursor = new ScanCursor(pieces, sizeBytes);
    try {
      const target = new TargetTree(this.#present);
      let outerCount = 0;
      let foundLayer = false;
      for await (const { header, contentOffset, contentBytes } of parseTar(cursor)) {
        const role = ENVELOPE_ROLES[outerCount++];
        if (role === "config") target.config = await readConfig(cursor, contentBytes);
        if (role !== "layer") continue;
        foundLayer = true;
        if (!header.name.startsWith("blobs/sha256/"))
          throw badTarget("expected the target to be a flat image");
        await this.#readLayer(cursor, contentOffset + contentBytes, target);
      }
      if (!foundLayer) throw badTarget("expected the target to be a flat image");
      await cursor.drain();
      return target;
    } finally {
      await cursor.close();
    }
  }

  async #readLayer(cursor: ScanCursor, end: number, target: TargetTree): Promise<void> {
    // Of the entry before, as a rule of the next too: where it lies.
    let folderPath = "";
    let presentFolder: TreeNode | undefined = this.#present;
    for await (const { header } of parseTar(new LayerCursor(cursor, end))) {
      const path = checkPath(header);
      if (path === "") {
        if (header.type !== "directory" || target.entryCount > 0)
          throw badTarget("expected a folder as the root of the target, before all else");
        target.setRoot(fieldsOf(header));
        continue;
      }
      const [folder, name] = splitPath(path);
      if (folder !== folderPath) {
        if (target.typeAt(folder) !== "directory")
          throw badTarget("expected the folder of an entry before it", path);
        folderPath = folder;
        presentFolder = findNode(this.#present, folder);
      }
      if (target.typeAt(path) !== undefined) throw badTarget("expected each path once", path);
      if (header.type === "hardlink") {
        if (!target.link(path, header.linkName))
          throw badTarget("expected a hard link to a file before it", path);
        continue;
      }
      const present = presentFolder?.children?.get(name);
      const staged =
        header.type === "file" ? await this.#readContent(cursor, present, header.sizeBytes) : undefined;
      target.add(path, fieldsOf(header), present, staged);
    }
  }

  /** Compare a content with the present one; its number where it had to be staged. */
  async #readContent(
    cursor: ScanCursor,
    found: TreeNode | undefined,
    sizeBytes: number,
  ): Promise<number | undefined> {
    this.#origin.passTo(cursor.position);
    const present = found?.type === "file" ? found.content : undefined;
    const isCandidate = present?.size === sizeBytes;
    let staged = isCandidate ? undefined : await this.#staging.createFile(sizeBytes);
    try {
      for (let at = 0; at < sizeBytes; ) {
        // Of `present` the last read must reach its end: that is when a file that changed meanwhile is noticed.
        const offset = cursor.position;
        const piece = await cursor.takeSome(Math.min(sizeBytes - at, PIECE_BYTES));
        if (staged === undefined && !this.#origin.isFrom(present!, at, offset, piece.length)) {
          const same = this.#buffer.subarray(0, piece.length);
          await present!.read(at, same);
          if (!same.equals(piece)) {
            staged = await this.#staging.createFile(sizeBytes);
            await this.#copyPrefix(present!, staged, at);
          }
        }
        await staged?.write(at, piece);
        at += piece.length;
      }
    } finally {
      await staged?.close();
    }
    return staged?.number;
  }

  async #copyPrefix(present: TreeNode["content"], staged: StagedFile, length: number): Promise<void> {
    for (let at = 0; at < length; at += PIECE_BYTES) {
      const piece = this.#buffer.subarray(0, Math.min(PIECE_BYTES, length - at));
      await present.read(at, piece);
      await staged.write(at, piece);
    }
  }

  /** Stage content that is present under another inode than the target's shall be. */
  async stagePresent(present: TreeNode["content"]): Promise<number> {
    const staged = await this.#staging.createFile(present.size);
    try {
      await this.#copyPrefix(present, staged, present.size);
    } finally {
      await staged.close();
    }
    return staged.number;
  }
}

async function readConfig(cursor: ScanCursor, length: number): Promise<Uint8Array> {
  if (length > MAX_CONFIG_BYTES)
    throw badTarget(`expected a config of at most ${MAX_CONFIG_BYTES} bytes, found ${length}`);
  return (await cursor.take(length)).slice();
}

/** The path of an entry as this library writes it; anything else is no flat image, or means harm. */
function checkPath({ name, type }: TarHeader): string {
  if (name === "./") return "";
  const path = type === "directory" && name.endsWith("/") ? name.slice(0, -1) : name;
  if (!isInnerPath(path)) {
    throw new ImageError(ErrorCode.UNSAFE_PATH, "expected a path inside the tree in its shortest form", {
      path: showName(name),
    });
  }
  const components = path.split("/");
  if (components.length > MAX_TREE_DEPTH) {
    throw new LimitError(
      ErrorCode.COUNT_LIMIT,
      `expected at most ${MAX_TREE_DEPTH} names in a path, found ${components.length}`,
      { path: showName(name) },
    );
  }
  if (components.some((component) => component.startsWith(".wh.")))
    throw badTarget("expected no whiteouts in a flat image", path);
  return path;
}

function fieldsOf(header: TarHeader): EntryFields {
  return {
    type: header.type as EntryFields["type"],
    mode: header.type === "symlink" ? 0o777 : header.mode,
    uid: header.uid,
    gid: header.gid,
    mtimeSeconds: header.mtimeSeconds,
    mtimeNanoseconds: header.mtimeNanoseconds,
    linkText: header.linkName,
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    xattrs: header.xattrs,
  };
}
