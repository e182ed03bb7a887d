import type { EntrySpan } from "../../encode/input.ts";
import type { Hash64Api } from "../../hash/index.ts";
import { TAR_BLOCK_BYTES, takeHeaderTime } from "../../transform/index.ts";
import { type TarEntry, trimPath } from "../tar/index.ts";
import { identifyEntry } from "./identity.ts";

const blockWithoutTime = new Uint8Array(TAR_BLOCK_BYTES);

/**
 * What the headers of an entry say of it. The hash of its content is not known yet, and zeros are taken to pad it.
 *
 * @param block - the header block proper.
 */
export function describeEntry(
  { header, headerOffset, contentOffset, contentBytes }: TarEntry,
  block: Uint8Array,
  hashes: Hash64Api,
): EntrySpan {
  const headerBytes = contentOffset - headerOffset;
  const isOneBlock = headerBytes === TAR_BLOCK_BYTES;
  const span: EntrySpan = {
    path: trimPath(header.name),
    headerOffset,
    headerBytes,
    contentOffset,
    contentBytes,
    contentHash: 0n,
    headerHash: undefined,
    identity: identifyEntry(header, isOneBlock ? block : undefined, hashes),
    headerTime: undefined,
  };
  if (isOneBlock) {
    blockWithoutTime.set(block);
    const time = takeHeaderTime(blockWithoutTime, contentBytes);
    span.headerHash = hashes.hash(blockWithoutTime);
    if (time >= 0) span.headerTime = time;
  }
  return span;
}
