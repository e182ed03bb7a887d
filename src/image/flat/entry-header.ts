/** Headers of the flat layer: one encoding for each entry, see FORMAT.md. */
import { concatBytes, encodeUtf8 } from "../../bytes/index.ts";
import { ErrorCode, ImageError } from "../../errors.ts";
import {
  BLOCK_BYTES,
  encodeBinary,
  encodePaxRecord,
  formatPaxTime,
  isUtf8,
  putHeaderBlock,
  roundUpToBlock,
  showName,
  USTAR_ID_LIMIT,
  USTAR_SIZE_LIMIT,
} from "../tar/index.ts";
import type { TreeNode } from "../tree.ts";

const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const PAX_BASENAME_BYTES = 80;

const TYPEFLAGS: Readonly<Record<TreeNode["type"], string>> = {
  file: "0",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** An entry of the flat layer. */
export interface FlatEntry {
  /** Path from the root as a binary string; "" is the root itself. */
  path: string;
  node: TreeNode;
  /** The path that carries the content, when this entry is a hard link to it. */
  linkedPath?: string | undefined;
}

/** `name` and `prefix` of a ustar header, split at the last slash that fits, or `undefined` when none does. */
function splitName(name: string): { name: string; prefix: string } | undefined {
  if (name.length <= NAME_BYTES) return { name, prefix: "" };
  // A folder's own trailing slash is no place to split.
  const slash = name.lastIndexOf("/", Math.min(PREFIX_BYTES, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > NAME_BYTES) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

function paxText(records: Map<string, Uint8Array>, key: string, value: string): void {
  records.set(key, encodeBinary(value));
}

/** Records sorted by key, `hdrcharset` first since it says how to read the others. */
function encodeRecords(records: ReadonlyMap<string, Uint8Array>, hasBinaryName: boolean): Uint8Array {
  const parts = hasBinaryName ? [encodePaxRecord("hdrcharset", encodeUtf8("BINARY"))] : [];
  for (const key of [...records.keys()].sort()) parts.push(encodePaxRecord(key, records.get(key)!));
  return concatBytes(parts);
}

function checkEntry({ path, node }: FlatEntry): void {
  const bad = (message: string) => new ImageError(ErrorCode.BAD_ENTRY, message, { path: showName(path) });
  if (node.deviceMajor >= USTAR_ID_LIMIT || node.deviceMinor >= USTAR_ID_LIMIT) {
    throw bad(`expected device numbers under 8^7, found ${node.deviceMajor}:${node.deviceMinor}`);
  }
  for (const name of node.xattrs.keys()) {
    if (name === "" || name.includes("=") || name.includes("\0"))
      throw bad(
        `the name of an extended attribute cannot be stored in a tar: ${JSON.stringify(showName(name))}`,
      );
  }
}

/**
 * Header blocks of an entry, the PAX header included where ustar cannot hold a value.
 *
 * @throws {@link ImageError} `BAD_ENTRY` when not even PAX can hold it.
 */
export function encodeEntryHeader(entry: FlatEntry): Uint8Array {
  checkEntry(entry);
  const { path, node, linkedPath } = entry;
  const isLink = linkedPath !== undefined;
  const name = path === "" ? "./" : node.type === "directory" ? `${path}/` : path;
  const linkName = isLink ? linkedPath : node.linkText;
  const sizeBytes = isLink ? 0 : node.content.size;
  const { mtimeSeconds, mtimeNanoseconds, uid, gid } = node;
  const records = new Map<string, Uint8Array>();
  const split = splitName(name);
  const longLink = linkName.length > NAME_BYTES;
  if (split === undefined) paxText(records, "path", name);
  if (longLink) paxText(records, "linkpath", linkName);
  if (sizeBytes >= USTAR_SIZE_LIMIT) paxText(records, "size", String(sizeBytes));
  if (uid >= USTAR_ID_LIMIT) paxText(records, "uid", String(uid));
  if (gid >= USTAR_ID_LIMIT) paxText(records, "gid", String(gid));
  const timeFits = mtimeSeconds >= 0 && mtimeSeconds < USTAR_SIZE_LIMIT;
  if (!timeFits || mtimeNanoseconds > 0)
    paxText(records, "mtime", formatPaxTime(mtimeSeconds, mtimeNanoseconds));
  for (const [key, value] of node.xattrs) records.set(`SCHILY.xattr.${key}`, value);
  const hasBinaryName = (split === undefined && !isUtf8(name)) || (longLink && !isUtf8(linkName));
  const pax = records.size === 0 ? undefined : encodeRecords(records, hasBinaryName);
  const paxBytes = pax === undefined ? 0 : BLOCK_BYTES + roundUpToBlock(pax.length);
  const out = new Uint8Array(paxBytes + BLOCK_BYTES);
  if (pax !== undefined) {
    const basename = path === "" ? "." : path.slice(path.lastIndexOf("/") + 1);
    putHeaderBlock(out, 0, {
      typeflag: "x",
      name: `PaxHeaders/${basename.slice(0, PAX_BASENAME_BYTES)}`,
      prefix: "",
      linkName: "",
      mode: 0o644,
      uid: 0,
      gid: 0,
      sizeBytes: pax.length,
      mtimeSeconds: 0,
      deviceMajor: 0,
      deviceMinor: 0,
    });
    out.set(pax, BLOCK_BYTES);
  }
  // A field that PAX speaks for holds 0, a name its first bytes.
  putHeaderBlock(out, paxBytes, {
    typeflag: isLink ? "1" : TYPEFLAGS[node.type],
    name: split?.name ?? name.slice(0, NAME_BYTES),
    prefix: split?.prefix ?? "",
    linkName: linkName.slice(0, NAME_BYTES),
    mode: node.mode,
    uid: uid < USTAR_ID_LIMIT ? uid : 0,
    gid: gid < USTAR_ID_LIMIT ? gid : 0,
    sizeBytes: sizeBytes < USTAR_SIZE_LIMIT ? sizeBytes : 0,
    mtimeSeconds: timeFits ? mtimeSeconds : 0,
    deviceMajor: node.deviceMajor,
    deviceMinor: node.deviceMinor,
  });
  return out;
}
