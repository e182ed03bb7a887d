/** The one layer of a flat image: a tree as a canonical tar, put together from headers and the contents where they are. */

import { ErrorCode, LimitError } from "../../errors.ts";
import type { OnProgress, Source } from "../../io/index.ts";
import { digestSource } from "../digest.ts";
import { BLOCK_BYTES, roundUpToBlock, showName } from "../tar/index.ts";
import { type TreeNode, walkTree } from "../tree.ts";
import { type AssembledSource, AssemblyBuilder } from "./assembly.ts";
import { encodeEntryHeader } from "./entry-header.ts";

const END_BYTES = 1024;

// Larger pieces are hashed no faster.
const HASH_CHUNK_BYTES = 1 << 18;

/** What a flat layer may become. */
export interface FlatLayerLimits {
  /** Size of the layer; 64 GiB by default. */
  maxFlatBytes?: number | undefined;
  /** Bytes of its headers; 2 GiB by default. */
  maxHeaderBytes?: number | undefined;
}

/** The limits that hold where the caller sets none. */
export const DEFAULT_FLAT_LIMITS = { maxFlatBytes: 2 ** 36, maxHeaderBytes: 2 ** 31 } as const;

/** Adds up what a layer becomes, and stops when it is too much. */
class LayerMeter {
  readonly #maxFlatBytes: number;
  readonly #maxHeaderBytes: number;
  #flatBytes = 0;
  #headerBytes = 0;

  constructor({ maxFlatBytes, maxHeaderBytes }: FlatLayerLimits) {
    this.#maxFlatBytes = maxFlatBytes ?? DEFAULT_FLAT_LIMITS.maxFlatBytes;
    this.#maxHeaderBytes = maxHeaderBytes ?? DEFAULT_FLAT_LIMITS.maxHeaderBytes;
  }

  add(headerBytes: number, contentBytes: number, path: string): void {
    this.#headerBytes += headerBytes;
    this.#flatBytes += headerBytes + contentBytes;
    if (this.#headerBytes > this.#maxHeaderBytes) {
      throw new LimitError(
        ErrorCode.MEMORY_LIMIT,
        `the flat image's headers take more than ${this.#maxHeaderBytes} bytes; raise maxHeaderBytes if the image is trusted`,
        { path: showName(path) },
      );
    }
    if (this.#flatBytes > this.#maxFlatBytes) {
      throw new LimitError(
        ErrorCode.SIZE_LIMIT,
        `the flat image has more than ${this.#maxFlatBytes} bytes; raise maxFlatBytes if the image is trusted`,
        { path: showName(path) },
      );
    }
  }
}

/** The layer's tar and how many entries it has. */
export interface BuiltLayer {
  source: AssembledSource;
  entryCount: number;
}

/** Whether the root differs from the one that a runtime makes by itself. Its time is of no account. */
function isRootSpecial(root: TreeNode): boolean {
  return root.mode !== 0o755 || root.uid !== 0 || root.gid !== 0 || root.xattrs.size > 0;
}

/**
 * The canonical tar of a tree.
 *
 * @throws {@link ImageError} `BAD_ENTRY` when a node cannot be stored in a tar; {@link LimitError} `SIZE_LIMIT`,
 * `MEMORY_LIMIT`.
 */
export function buildFlatLayer(root: TreeNode, limits: FlatLayerLimits = {}): BuiltLayer {
  const rootHeader = encodeEntryHeader({
    path: "",
    node: { ...root, mtimeSeconds: 0, mtimeNanoseconds: 0 },
  });
  const builder = new AssemblyBuilder(rootHeader.slice(-BLOCK_BYTES));
  const meter = new LayerMeter(limits);
  /** Of the nodes that may be in several places. */
  const firstPaths = new Map<TreeNode, string>();
  let entryCount = 0;
  for (const { path, node } of walkTree(root)) {
    if (path === "") {
      if (!isRootSpecial(root)) continue;
      builder.addBytes(rootHeader);
      entryCount++;
      continue;
    }
    const linkedPath = firstPaths.get(node);
    const header = encodeEntryHeader({ path, node, linkedPath });
    const hasContent = linkedPath === undefined && node.type !== "directory";
    meter.add(header.length, hasContent ? roundUpToBlock(node.content.size) : 0, path);
    builder.addBytes(header);
    entryCount++;
    if (!hasContent) continue;
    if (node.isLinked) firstPaths.set(node, path);
    builder.addSource(node.content);
    builder.addZeros(roundUpToBlock(node.content.size) - node.content.size);
  }
  builder.addZeros(END_BYTES);
  return { source: builder.finish(), entryCount };
}

/** SHA-256 of the layer ("sha256:..."). */
export async function digestLayer(
  layer: Source,
  options: { signal?: AbortSignal | undefined; onProgress?: OnProgress | undefined } = {},
): Promise<string> {
  const onBytes = (doneBytes: number): void =>
    options.onProgress?.({ phase: "flatten", doneBytes, totalBytes: layer.size });
  return digestSource(layer, { chunkBytes: HASH_CHUNK_BYTES, signal: options.signal, onBytes });
}
