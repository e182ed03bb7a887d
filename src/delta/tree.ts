import { ByteReader, ByteWriter } from "../bytes/index.ts";
import { ErrorCode } from "../errors.ts";
import { TREE_BLOCK_BYTES } from "./format.ts";

/** What a root file system that is the basis takes beside it to become the target. FORMAT.md says how it is counted. */
export interface TreeHeader {
  /** Of the contents of new and changed files, whole blocks for each, and of new folders: a multiple of `TREE_BLOCK_BYTES`. */
  contentBytes: number;
  /** Entries that are new or of another kind, or whose content is. */
  entryCount: number;
}

/** The value of the extension. */
export function encodeTree({ contentBytes, entryCount }: TreeHeader): Uint8Array {
  const out = new ByteWriter();
  out.varint(contentBytes / TREE_BLOCK_BYTES);
  out.varint(entryCount);
  return out.view();
}

/**
 * Read the value of the extension.
 *
 * @throws {@link FormatError} `CORRUPT_HEADER`.
 */
export function decodeTree(value: Uint8Array): TreeHeader {
  const reader = new ByteReader(value, { what: "delta header, tree", code: ErrorCode.CORRUPT_HEADER });
  const contentBytes = reader.varint() * TREE_BLOCK_BYTES;
  const entryCount = reader.varint();
  reader.end();
  if (!Number.isSafeInteger(contentBytes)) throw reader.corrupt("contents of more than 2^53 bytes");
  return { contentBytes, entryCount };
}
