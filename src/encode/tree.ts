import { TREE_BLOCK_BYTES, type TreeHeader } from "../delta/index.ts";
import { type EntrySpan, FOLDER_IDENTITY } from "./input.ts";
import { PathIndex } from "./path-index.ts";

/** The blocks of one entry's content. */
function blocksOf({ identity, contentBytes }: EntrySpan): number {
  return identity === FOLDER_IDENTITY ? 1 : Math.ceil(contentBytes / TREE_BLOCK_BYTES);
}

/** What an unpacked basis takes beside it to become the target: all that is not there under the same path. */
export function measureTree(basis: readonly EntrySpan[], target: readonly EntrySpan[]): TreeHeader {
  const present = new PathIndex(basis);
  let [blocks, entryCount] = [0, 0];
  for (const entry of target) {
    if (entry.identity === undefined) continue;
    const found = present.find(entry.path);
    const stays =
      found?.identity === entry.identity &&
      found.contentBytes === entry.contentBytes &&
      found.contentHash === entry.contentHash;
    if (stays) continue;
    blocks += blocksOf(entry);
    entryCount++;
  }
  return { contentBytes: blocks * TREE_BLOCK_BYTES, entryCount };
}
