import { encodeUtf8, toHex } from "../../bytes/index.ts";
import { FOLDER_IDENTITY } from "../../encode/input.ts";
import type { Hash64Api } from "../../hash/index.ts";
import type { TarHeader } from "../tar/index.ts";

// Most files have no extended attributes.
const PLAIN_FILE_IDENTITY = 2n;

function describeXattrs({ xattrs }: TarHeader): string[] {
  return [...xattrs].map(([name, value]) => `${name}=${toHex(value)}`).sort();
}

/** The identity of an entry: see {@link EntrySpan}. */
export function identifyEntry(header: TarHeader, hashes: Hash64Api): bigint | undefined {
  const { type, xattrs, linkName, mode, uid, gid, mtimeSeconds, mtimeNanoseconds } = header;
  if (type === "hardlink") return undefined;
  if (type === "directory") return FOLDER_IDENTITY;
  if (type === "file" && xattrs.size === 0) return PLAIN_FILE_IDENTITY;
  const fields = [type, ...describeXattrs(header)];
  if (type !== "file") {
    const { deviceMajor, deviceMinor } = header;
    fields.push(linkName);
    for (const value of [mode, uid, gid, mtimeSeconds, mtimeNanoseconds, deviceMajor, deviceMinor])
      fields.push(String(value));
  }
  return hashes.hash(encodeUtf8(JSON.stringify(fields)));
}
