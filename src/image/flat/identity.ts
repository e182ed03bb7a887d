import { encodeUtf8, toHex } from "../../bytes/index.ts";
import { FOLDER_IDENTITY } from "../../encode/input.ts";
import type { Hash64Api } from "../../hash/index.ts";
import type { TarHeader } from "../tar/index.ts";

// Most files have no extended attributes.
const PLAIN_FILE_IDENTITY = 2n;

// Name, checksum and prefix of a ustar header.
const PATH_FIELDS = [
  { offset: 0, bytes: 100 },
  { offset: 148, bytes: 8 },
  { offset: 345, bytes: 155 },
];

function describeXattrs({ xattrs }: TarHeader): string[] {
  return [...xattrs].map(([name, value]) => `${name}=${toHex(value)}`).sort();
}

/** A header block without the path and the checksum, which depends on it. */
function withoutPath(block: Uint8Array): Uint8Array {
  const masked = block.slice();
  for (const { offset, bytes } of PATH_FIELDS) masked.fill(0, offset, offset + bytes);
  return masked;
}

/**
 * The identity of an entry: see {@link EntrySpan}.
 *
 * @param block - its header, where that is but one block: of a link or device it tells all.
 */
export function identifyEntry(
  header: TarHeader,
  block: Uint8Array | undefined,
  hashes: Hash64Api,
): bigint | undefined {
  const { type, xattrs, linkName, mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = header;
  if (type === "hardlink") return undefined;
  if (type === "directory") return FOLDER_IDENTITY;
  if (type === "file" && xattrs.size === 0) return PLAIN_FILE_IDENTITY;
  if (type !== "file" && block !== undefined) return hashes.hash(withoutPath(block));
  const fields = [type, ...describeXattrs(header)];
  if (type !== "file") {
    const { deviceMajor, deviceMinor } = header;
    fields.push(linkName);
    for (const value of [mode, uid, gid, mtimeSeconds, mtimeNanoseconds, deviceMajor, deviceMinor])
      fields.push(String(value));
  }
  return hashes.hash(encodeUtf8(JSON.stringify(fields)));
}
