/** The one layer of a flat image: a tree as a canonical tar, put together from headers and the contents where they are. */
import { toHex } from "../../bytes/index.ts";
import { createSha256 } from "../../hash/index.ts";
import { type OnProgress, type Source, scanSource } from "../../io/index.ts";
import { roundUpToBlock } from "../tar/index.ts";
import { type TreeNode, walkTree } from "../tree.ts";
import { AssemblyBuilder } from "./assembly.ts";
import { encodeEntryHeader } from "./entry-header.ts";

const END_BYTES = 1024;

/** The layer's tar and how many entries it has. */
export interface BuiltLayer {
  source: Source;
  entryCount: number;
}

/** Whether the root differs from the one that a runtime makes by itself. Its time is of no account. */
function isRootSpecial(root: TreeNode): boolean {
  return root.mode !== 0o755 || root.uid !== 0 || root.gid !== 0 || root.xattrs.size > 0;
}

/**
 * The canonical tar of a tree.
 *
 * @throws {@link ImageError} `BAD_ENTRY` when a node cannot be stored in a tar.
 */
export function buildFlatLayer(root: TreeNode): BuiltLayer {
  const builder = new AssemblyBuilder();
  const firstPaths = new Map<TreeNode, string>();
  let entryCount = 0;
  for (const { path, node } of walkTree(root)) {
    if (path === "") {
      if (!isRootSpecial(root)) continue;
      builder.addBytes(encodeEntryHeader({ path, node: { ...root, mtimeSeconds: 0, mtimeNanoseconds: 0 } }));
      entryCount++;
      continue;
    }
    const linkedPath = firstPaths.get(node);
    builder.addBytes(encodeEntryHeader({ path, node, linkedPath }));
    entryCount++;
    if (linkedPath !== undefined || node.type === "directory") continue;
    firstPaths.set(node, path);
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
  const hash = createSha256();
  let doneBytes = 0;
  for await (const piece of scanSource(layer, { signal: options.signal })) {
    hash.update(piece);
    doneBytes += piece.length;
    options.onProgress?.({ phase: "flatten", doneBytes, totalBytes: layer.size });
  }
  return `sha256:${toHex(hash.digest())}`;
}
