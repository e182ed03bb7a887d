/** Tars byte by byte, for what tar-stream cannot write. Names are binary strings. */
import { concatBytes } from "../../src/bytes/index.ts";
import {
  BLOCK_BYTES,
  encodeBinary,
  encodePaxRecord,
  putHeaderBlock,
  roundUpToBlock,
  type UstarFields,
} from "../../src/image/tar/index.ts";

export interface RawEntry extends Partial<Omit<UstarFields, "typeflag">> {
  /** "0" by default. */
  type?: string;
  name: string;
  content?: Uint8Array | string;
  /** PAX records that go before the header. */
  pax?: Readonly<Record<string, string | Uint8Array>>;
  /** Changes the finished header block; its checksum is put right afterwards. */
  edit?: (block: Uint8Array) => void;
}

const bytesOf = (content: Uint8Array | string): Uint8Array =>
  typeof content === "string" ? encodeBinary(content) : content;

export function padToBlock(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(roundUpToBlock(bytes.length));
  out.set(bytes);
  return out;
}

export function fixChecksum(block: Uint8Array): void {
  block.fill(0x20, 148, 156);
  const sum = block.subarray(0, BLOCK_BYTES).reduce((total, byte) => total + byte, 0);
  block.set(encodeBinary(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

export function headerBlock(entry: RawEntry): Uint8Array {
  const { type, content = "", pax: _, edit, ...fields } = entry;
  const block = new Uint8Array(BLOCK_BYTES);
  const defaults = {
    prefix: "",
    linkName: "",
    mode: type === "5" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: content.length,
    mtimeSeconds: 1,
    deviceMajor: 0,
    deviceMinor: 0,
  };
  putHeaderBlock(block, 0, { ...defaults, ...fields, typeflag: type ?? "0" });
  if (edit !== undefined) {
    edit(block);
    fixChecksum(block);
  }
  return block;
}

export function paxBytes(records: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  return concatBytes(Object.entries(records).map(([key, value]) => encodePaxRecord(key, bytesOf(value))));
}

/** One entry: extended header, header, content, padding. */
export function rawEntry(entry: RawEntry): Uint8Array {
  const parts: Uint8Array[] = [];
  if (entry.pax !== undefined) {
    const content = paxBytes(entry.pax);
    parts.push(headerBlock({ type: "x", name: "PaxHeaders/x", content }), padToBlock(content));
  }
  parts.push(headerBlock(entry), padToBlock(bytesOf(entry.content ?? "")));
  return concatBytes(parts);
}

/** A whole archive with its end mark. */
export function rawTar(entries: readonly RawEntry[]): Uint8Array {
  return concatBytes([...entries.map(rawEntry), new Uint8Array(2 * BLOCK_BYTES)]);
}

export const file = (
  name: string,
  content: Uint8Array | string = "",
  more: Partial<RawEntry> = {},
): RawEntry => ({
  name,
  content,
  ...more,
});
export const folder = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({
  type: "5",
  name,
  ...more,
});
export const symlink = (name: string, linkName: string): RawEntry => ({ type: "2", name, linkName });
export const hardLink = (name: string, linkName: string, more: Partial<RawEntry> = {}): RawEntry => ({
  type: "1",
  name,
  linkName,
  ...more,
});
