/** The entries of a tar as a scanner lists them, to be moved between threads. */
export interface ScannedTar {
  /** For each entry RECORD_BYTES, as `assembly/index.ts` lays them out. */
  records: Uint8Array<ArrayBuffer>;
  /** Their paths, or headers, one behind the other. */
  texts: Uint8Array<ArrayBuffer>;
}

/** An entry of a tar. */
export interface ScannedEntry {
  /** As a binary string, without the slash behind a folder's name. */
  path: string;
  headerOffset: number;
  headerBytes: number;
  contentOffset: number;
  contentBytes: number;
  contentHash: bigint;
  headerHash: bigint | undefined;
  identity: bigint | undefined;
  headerTime: number | undefined;
}

/** An entry of which only a tar reader knows the path. */
export interface UnreadEntry {
  entry: ScannedEntry;
  /** All its header blocks. */
  headers: Uint8Array;
  /** Whether zeros pad the content. */
  hasZeroPadding: boolean;
}

// As the kernel has it. Numbers are doubles: header offset, content bytes, time; hashes of content and header, identity; header bytes;
// then two u32, the text's length and the flags.
const RECORD_BYTES = 64;
const IS_UNREAD = 1;
const HAS_HEADER_HASH = 2;
const HAS_IDENTITY = 4;

// As many characters as are taken as arguments at once.
const TEXT_CHUNK_BYTES = 8192;

/** The text of some bytes, one character each. */
function decodeTexts(bytes: Uint8Array): string {
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; at += TEXT_CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + TEXT_CHUNK_BYTES);
    // What has as many characters as bytes, none of them a replacement, is ASCII: nearly always, and in a tenth of the time.
    const ascii = utf8.decode(chunk);
    if (ascii.length === chunk.length && !ascii.includes("\ufffd")) text += ascii;
    // Not spread: `apply` takes a typed array as it is.
    else text += String.fromCharCode.apply(null, chunk as unknown as number[]);
  }
  return text;
}

/** The entries in their order, and which of them are yet to be read by a tar reader. */
export function readScannedTar({ records, texts }: ScannedTar): {
  entries: ScannedEntry[];
  unread: UnreadEntry[];
} {
  const numbers = new Float64Array(records.buffer);
  const hashes = new BigUint64Array(records.buffer);
  const words = new Uint32Array(records.buffer);
  const text = decodeTexts(texts);
  const unread: UnreadEntry[] = [];
  const entries: ScannedEntry[] = new Array(records.length / RECORD_BYTES);
  let textAt = 0;
  for (let i = 0; i < entries.length; i++) {
    const at = (i * RECORD_BYTES) / 8;
    const textEnd = textAt + words[2 * at + 14]!;
    const flags = words[2 * at + 15]!;
    const headerOffset = numbers[at]!;
    const headerBytes = numbers[at + 6]!;
    const isUnread = (flags & IS_UNREAD) !== 0;
    const hasZeroPadding = (flags & HAS_HEADER_HASH) !== 0;
    const entry: ScannedEntry = {
      path: isUnread ? "" : text.slice(textAt, textEnd),
      headerOffset,
      headerBytes,
      contentOffset: headerOffset + headerBytes,
      contentBytes: numbers[at + 1]!,
      contentHash: hashes[at + 3]!,
      headerHash: isUnread || !hasZeroPadding ? undefined : hashes[at + 4]!,
      identity: (flags & HAS_IDENTITY) === 0 ? undefined : hashes[at + 5]!,
      headerTime: isUnread ? undefined : numbers[at + 2]!,
    };
    if (isUnread) unread.push({ entry, headers: texts.subarray(textAt, textEnd), hasZeroPadding });
    entries[i] = entry;
    textAt = textEnd;
  }
  return { entries, unread };
}
