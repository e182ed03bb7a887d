/** Walks through the entries of a tar archive, with extended headers applied. */
import { ErrorCode, ImageError, LimitError } from "../../errors.ts";
import { type Source, scanSource } from "../../io/index.ts";
import type { EntryType } from "../types.ts";
import { ScanCursor, SeekCursor, type TarCursor, truncatedTar } from "./cursor.ts";
import { BLOCK_BYTES, type HeaderBlock, isZeroBlock, parseHeaderBlock, roundUpToBlock } from "./header.ts";
import { type PaxRecord, parsePaxRecords, parsePaxTime } from "./pax.ts";
import {
  checkSparseExtents,
  parseSparseMap,
  readGnuExtents,
  readGnuRealSize,
  type SparseExtent,
  SparseMapLines,
} from "./sparse.ts";
import { decodeBinary, showName } from "./text.ts";

/** Limits on what an archive may ask for. */
export interface TarLimits {
  /** Size of one PAX header, GNU long name or sparse map; 1 MiB by default, as Go's archive/tar has it. */
  maxExtendedHeaderBytes?: number | undefined;
  /** Entries in the archive; 2,000,000 by default. */
  maxEntries?: number | undefined;
  /** Length of a path or link; 65,536 by default. */
  maxPathBytes?: number | undefined;
  /** Bytes of all names, links, extended attributes and sparse maps, which readers keep in memory; 256 MiB by default. */
  maxNameBytes?: number | undefined;
}

/** What the headers of an entry say. Names are binary strings, as they stand in the archive. */
export interface TarHeader {
  type: EntryType;
  name: string;
  /** What a hard link or symlink refers to, else "". */
  linkName: string;
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  /** 0 to 999,999,999, counting up from `mtimeSeconds`. */
  mtimeNanoseconds: number;
  /** Size of the file as it is read, holes included; 0 for everything that is no file. */
  sizeBytes: number;
  deviceMajor: number;
  deviceMinor: number;
  /** Extended attributes of `SCHILY.xattr.` records, by their binary names. */
  xattrs: ReadonlyMap<string, Uint8Array>;
  /** The stored parts of a sparse file, in order. Absent for dense files. */
  sparse?: readonly SparseExtent[];
}

/** One entry and where it lies in the archive. */
export interface TarEntry {
  header: TarHeader;
  /** Offset of its first header block (extended headers included). */
  headerOffset: number;
  /** Offset of the stored content. */
  contentOffset: number;
  /** Bytes stored; less than `header.sizeBytes` for a sparse file. Padding follows to a multiple of 512. */
  contentBytes: number;
}

const ENTRY_TYPES: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

/** The limits that hold where the caller sets none. */
export const DEFAULT_TAR_LIMITS = {
  maxExtendedHeaderBytes: 2 ** 20,
  maxEntries: 2_000_000,
  maxPathBytes: 2 ** 16,
  maxNameBytes: 2 ** 28,
} as const;

// Two numbers, and the sources of what is stored and of the hole before it.
const SPARSE_EXTENT_BYTES = 256;

const XATTR_PREFIX = "SCHILY.xattr.";
const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();

/** What extended headers say about the entry that follows them. */
interface Extension {
  pax: readonly PaxRecord[];
  longName: string | undefined;
  longLink: string | undefined;
}

function badHeader(message: string, offset: number): ImageError {
  return new ImageError(ErrorCode.BAD_TAR_HEADER, message, { offset });
}

/** The latest value of each key but those of format 0.0, which repeats `GNU.sparse.offset` and `.numbytes`. */
function collectPax(records: readonly PaxRecord[], offset: number): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  const sparseNumbers: string[] = [];
  for (const { key, value } of records) {
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      const isOffset = key === "GNU.sparse.offset";
      if (isOffset !== (sparseNumbers.length % 2 === 0))
        throw badHeader("sparse file: expected offsets and lengths by turns", offset);
      sparseNumbers.push(decodeBinary(value));
    } else values.set(key, value);
  }
  if (sparseNumbers.length > 0 && !values.has("GNU.sparse.map")) {
    values.set("GNU.sparse.map", new TextEncoder().encode(sparseNumbers.join(",")));
  }
  return values;
}

/** Value of a PAX key as text; `undefined` when it is absent or empty, which means the header block's own value. */
function paxText(pax: ReadonlyMap<string, Uint8Array>, key: string, offset: number): string | undefined {
  const value = pax.get(key);
  if (value === undefined || value.length === 0) return undefined;
  if (value.includes(0)) throw badHeader(`PAX ${key}: expected no NUL inside`, offset);
  return decodeBinary(value);
}

function paxNumber(pax: ReadonlyMap<string, Uint8Array>, key: string, offset: number): number | undefined {
  const text = paxText(pax, key, offset);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw badHeader(
      `PAX ${key}: expected a number up to 2^53 − 1, found ${JSON.stringify(text.slice(0, 40))}`,
      offset,
    );
  }
  return value;
}

function collectXattrs(pax: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR_PREFIX) || key.length === XATTR_PREFIX.length) continue;
    xattrs ??= new Map();
    xattrs.set(key.slice(XATTR_PREFIX.length), value);
  }
  return xattrs ?? NO_XATTRS;
}

/** Bytes of names and values. */
export function bytesOfXattrs(xattrs: ReadonlyMap<string, Uint8Array>): number {
  let bytes = 0;
  for (const [name, value] of xattrs) bytes += name.length + value.length;
  return bytes;
}

/** Types of entries that one header block tells all about. */
const PLAIN_TYPES: ReadonlySet<number> = new Set([..."0123456"].map((flag) => flag.charCodeAt(0)));

/** What extended headers may say otherwise than the header block. */
interface EntryFields {
  type: EntryType;
  name: string;
  linkName: string;
  mtimeSeconds: number;
  mtimeNanoseconds?: number;
  uid?: number | undefined;
  gid?: number | undefined;
  sizeBytes: number;
  contentBytes: number;
  xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** Walks through an archive, entry by entry: one parser over both kinds of cursor. */
export class TarParser {
  readonly #cursor: TarCursor;
  readonly #maxExtendedHeaderBytes: number;
  readonly #maxEntries: number;
  readonly #maxPathBytes: number;
  readonly #maxNameBytes: number;
  #nameBytes = 0;
  #count = 0;
  /** Where the present entry ends, its padding included. */
  #end: number;

  constructor(cursor: TarCursor, limits: TarLimits) {
    this.#cursor = cursor;
    this.#end = cursor.position;
    this.#maxExtendedHeaderBytes = limits.maxExtendedHeaderBytes ?? DEFAULT_TAR_LIMITS.maxExtendedHeaderBytes;
    this.#maxEntries = limits.maxEntries ?? DEFAULT_TAR_LIMITS.maxEntries;
    this.#maxPathBytes = limits.maxPathBytes ?? DEFAULT_TAR_LIMITS.maxPathBytes;
    this.#maxNameBytes = limits.maxNameBytes ?? DEFAULT_TAR_LIMITS.maxNameBytes;
  }

  /**
   * The next entry, the cursor then being at its content, or `undefined` at the end of the archive. What of the entry before was
   * not read is skipped.
   */
  async next(): Promise<TarEntry | undefined> {
    // The consumer may have moved the cursor through the content itself.
    await this.#cursor.skip(this.#end - this.#cursor.position);
    const entry = await this.#read();
    if (entry !== undefined) this.#admit(entry);
    return entry;
  }

  /**
   * The same without waiting, of an entry whose only header is a block that is at hand, as nearly all are. Where this gives nothing,
   * {@link next} does.
   */
  nextAtHand(): TarEntry | undefined {
    const cursor = this.#cursor;
    const skipped = this.#end - cursor.position;
    if (cursor.peek === undefined || (skipped > 0 && !cursor.trySkip!(skipped))) return undefined;
    const block = cursor.peek(BLOCK_BYTES);
    if (block === undefined || cursor.remaining < BLOCK_BYTES || !PLAIN_TYPES.has(block[156]!))
      return undefined;
    const offset = cursor.position;
    const header = parseHeaderBlock(block, offset);
    cursor.accept!(block);
    const type = ENTRY_TYPES[header.typeflag]!;
    const bytes = type === "file" ? header.sizeBytes : 0;
    const entry = this.#toEntry(header, offset, offset, {
      type,
      name: header.name,
      linkName: header.linkName,
      mtimeSeconds: header.mtimeSeconds,
      sizeBytes: bytes,
      contentBytes: bytes,
    });
    this.#admit(entry);
    return entry;
  }

  /** Count an entry, and see that it is one that may be. */
  #admit(entry: TarEntry): void {
    if (this.#count++ >= this.#maxEntries) {
      throw new LimitError(
        ErrorCode.COUNT_LIMIT,
        `the tar archive has more than ${this.#maxEntries} entries; raise maxEntries if it is trusted`,
        { offset: entry.headerOffset },
      );
    }
    this.#checkNames(entry);
    this.#end = entry.contentOffset + roundUpToBlock(entry.contentBytes);
    // Nothing is promised for content that is not there, not even to a reader that seeks.
    this.#need(this.#end - this.#cursor.position);
  }

  #checkNames({ header, headerOffset }: TarEntry): void {
    this.#nameBytes += header.name.length + header.linkName.length + bytesOfXattrs(header.xattrs);
    this.#nameBytes += SPARSE_EXTENT_BYTES * (header.sparse?.length ?? 0);
    if (this.#nameBytes <= this.#maxNameBytes) return;
    throw new LimitError(
      ErrorCode.MEMORY_LIMIT,
      `names and attributes of the tar archive take more than ${this.#maxNameBytes} bytes; raise maxNameBytes if it is trusted`,
      { offset: headerOffset },
    );
  }

  #need(bytes: number): void {
    const missing = bytes - this.#cursor.remaining;
    if (missing > 0) throw truncatedTar(missing, this.#cursor.position + this.#cursor.remaining);
  }

  async #read(): Promise<TarEntry | undefined> {
    let headerOffset = this.#cursor.position;
    let extension: Extension = { pax: [], longName: undefined, longLink: undefined };
    for (;;) {
      const offset = this.#cursor.position;
      // The end mark may be missing, but only behind a whole entry.
      if (this.#cursor.remaining === 0 && offset === headerOffset) return undefined;
      const block = await this.#cursor.take(BLOCK_BYTES);
      if (isZeroBlock(block)) {
        if (offset !== headerOffset)
          throw badHeader("expected the entry of an extended header, found the end of the archive", offset);
        return this.#checkEnd();
      }
      const header = parseHeaderBlock(block, offset);
      switch (header.typeflag) {
        case "x":
          extension.pax = parsePaxRecords(await this.#extended(header, offset), offset + BLOCK_BYTES);
          break;
        case "L":
          extension.longName = await this.#longText(header, offset);
          break;
        case "K":
          extension.longLink = await this.#longText(header, offset);
          break;
        case "g":
          // Docker and umoci ignore what global headers say, so an image means the same with and without them.
          extension = { pax: [], longName: undefined, longLink: undefined };
          await this.#cursor.skip(roundUpToBlock(header.sizeBytes));
          headerOffset = this.#cursor.position;
          break;
        default:
          // The block is gone once the cursor moves on to the rest of a sparse map.
          return this.#complete(
            header,
            header.typeflag === "S" ? block.slice() : block,
            extension,
            headerOffset,
            offset,
          );
      }
    }
  }

  async #checkEnd(): Promise<undefined> {
    if (this.#cursor.remaining === 0) return undefined;
    const offset = this.#cursor.position;
    this.#need(BLOCK_BYTES);
    if (!isZeroBlock(await this.#cursor.take(BLOCK_BYTES)))
      throw badHeader("expected the second zero block at the end of the archive, found other bytes", offset);
    return undefined;
  }

  #checkExtendedBytes(bytes: number, offset: number): void {
    if (bytes <= this.#maxExtendedHeaderBytes) return;
    throw new LimitError(
      ErrorCode.SIZE_LIMIT,
      `an extended tar header has ${bytes} bytes, allowed are ${this.#maxExtendedHeaderBytes}; ` +
        "raise maxExtendedHeaderBytes if the archive is trusted",
      { offset },
    );
  }

  /** Content of an extended header, padding dropped. */
  async #extended(header: HeaderBlock, offset: number): Promise<Uint8Array> {
    this.#checkExtendedBytes(header.sizeBytes, offset);
    const bytes = await this.#cursor.take(roundUpToBlock(header.sizeBytes));
    return bytes.subarray(0, header.sizeBytes);
  }

  async #longText(header: HeaderBlock, offset: number): Promise<string> {
    const bytes = await this.#extended(header, offset);
    const end = bytes.indexOf(0);
    return decodeBinary(end < 0 ? bytes : bytes.subarray(0, end));
  }

  #checkPath(path: string, offset: number): void {
    if (path.length <= this.#maxPathBytes) return;
    throw new LimitError(
      ErrorCode.SIZE_LIMIT,
      `a path or link of the tar archive has ${path.length} bytes, allowed are ${this.#maxPathBytes}; ` +
        "raise maxPathBytes if it is trusted",
      { offset },
    );
  }

  async #complete(
    block: HeaderBlock,
    bytes: Uint8Array,
    extension: Extension,
    headerOffset: number,
    offset: number,
  ): Promise<TarEntry> {
    const pax = collectPax(extension.pax, offset);
    let name = extension.longName || (paxText(pax, "path", offset) ?? block.name);
    const linkName = extension.longLink || (paxText(pax, "linkpath", offset) ?? block.linkName);
    let type = ENTRY_TYPES[block.typeflag];
    if (type === undefined) {
      throw new ImageError(
        ErrorCode.BAD_ENTRY,
        `expected a tar entry of a known type, found type ${JSON.stringify(block.typeflag)}`,
        { offset, path: showName(name) },
      );
    }
    const time = paxText(pax, "mtime", offset);
    const mtime = time === undefined ? { seconds: block.mtimeSeconds, nanoseconds: 0 } : parsePaxTime(time);
    if (mtime === undefined)
      throw badHeader(`PAX mtime: expected a time, found ${JSON.stringify(time!.slice(0, 40))}`, offset);
    // As Go's archive/tar, with which docker and umoci read, only files have content, whatever their size field says.
    let contentBytes = type === "file" ? (paxNumber(pax, "size", offset) ?? block.sizeBytes) : 0;
    let sizeBytes = contentBytes;
    let sparse: SparseExtent[] | undefined;
    if (block.typeflag === "S") {
      const extents = await this.#gnuExtents(bytes, offset);
      sizeBytes = readGnuRealSize(bytes, offset);
      sparse = checkSparseExtents(extents, sizeBytes, contentBytes, offset);
    } else if (type === "file") {
      const found = await this.#paxExtents(pax, contentBytes, offset);
      if (found !== undefined) {
        name = paxText(pax, "GNU.sparse.name", offset) ?? name;
        sizeBytes =
          paxNumber(pax, "GNU.sparse.realsize", offset) ??
          paxNumber(pax, "GNU.sparse.size", offset) ??
          contentBytes;
        contentBytes -= found.mapBytes;
        sparse = checkSparseExtents(found.extents, sizeBytes, contentBytes, offset);
      }
    }
    // Archives older than ustar had no type for folders.
    if (block.typeflag === "\0" && name.endsWith("/")) {
      type = "directory";
      contentBytes = 0;
      sizeBytes = 0;
    }
    const entry = this.#toEntry(block, headerOffset, offset, {
      type,
      name,
      linkName,
      mtimeSeconds: mtime.seconds,
      mtimeNanoseconds: mtime.nanoseconds,
      uid: paxNumber(pax, "uid", offset),
      gid: paxNumber(pax, "gid", offset),
      sizeBytes,
      contentBytes,
      xattrs: collectXattrs(pax),
    });
    if (sparse !== undefined && type === "file") entry.header.sparse = sparse;
    return entry;
  }

  /** The entry at whose content the cursor is; its header block lies at `offset`. */
  #toEntry(block: HeaderBlock, headerOffset: number, offset: number, fields: EntryFields): TarEntry {
    const { type, name, linkName, contentBytes } = fields;
    this.#checkPath(name, offset);
    this.#checkPath(linkName, offset);
    const header: TarHeader = {
      type,
      name,
      linkName: type === "hardlink" || type === "symlink" ? linkName : "",
      mode: block.mode,
      uid: fields.uid ?? block.uid,
      gid: fields.gid ?? block.gid,
      mtimeSeconds: fields.mtimeSeconds,
      mtimeNanoseconds: fields.mtimeNanoseconds ?? 0,
      sizeBytes: fields.sizeBytes,
      deviceMajor: block.deviceMajor,
      deviceMinor: block.deviceMinor,
      xattrs: fields.xattrs ?? NO_XATTRS,
    };
    return { header, headerOffset, contentOffset: this.#cursor.position, contentBytes };
  }

  async #gnuExtents(block: Uint8Array, offset: number): Promise<SparseExtent[]> {
    const extents: SparseExtent[] = [];
    let more = readGnuExtents(block, true, extents, offset);
    for (let blocks = 1; more; blocks++) {
      this.#checkExtendedBytes(blocks * BLOCK_BYTES, offset);
      const at = this.#cursor.position;
      more = readGnuExtents(await this.#cursor.take(BLOCK_BYTES), false, extents, at);
    }
    return extents;
  }

  /** The map of a PAX sparse file and how many content bytes it took, or `undefined` for a dense file. */
  async #paxExtents(
    pax: ReadonlyMap<string, Uint8Array>,
    contentBytes: number,
    offset: number,
  ): Promise<{ extents: SparseExtent[]; mapBytes: number } | undefined> {
    const major = paxText(pax, "GNU.sparse.major", offset);
    const minor = paxText(pax, "GNU.sparse.minor", offset);
    const map = paxText(pax, "GNU.sparse.map", offset);
    if (major === "1" && minor === "0") {
      const lines = new SparseMapLines(offset);
      for (let mapBytes = BLOCK_BYTES; ; mapBytes += BLOCK_BYTES) {
        this.#checkExtendedBytes(mapBytes, offset);
        if (mapBytes > contentBytes)
          throw badHeader(`sparse file: expected its map inside ${contentBytes} bytes`, offset);
        const extents = lines.push(await this.#cursor.take(BLOCK_BYTES));
        if (extents !== undefined) return { extents, mapBytes };
      }
    }
    const isKnown =
      major === undefined ? minor === undefined : major === "0" && (minor === "0" || minor === "1");
    if (!isKnown) {
      throw new ImageError(
        ErrorCode.BAD_ENTRY,
        `expected a sparse file of format 0.0, 0.1 or 1.0, found ${major}.${minor}`,
        { offset },
      );
    }
    return map === undefined ? undefined : { extents: parseSparseMap(map, offset), mapBytes: 0 };
  }
}

/**
 * Walk through an archive by a cursor. Between two entries the caller may read content through the cursor.
 *
 * @throws {@link ImageError} `BAD_TAR_HEADER`, `TRUNCATED`, `BAD_ENTRY`.
 * @throws {@link LimitError} `COUNT_LIMIT`, `SIZE_LIMIT`, `MEMORY_LIMIT`.
 */
export async function* parseTar(
  cursor: TarCursor,
  limits: TarLimits = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const parser = new TarParser(cursor, limits);
  for (;;) {
    const entry = parser.nextAtHand() ?? (await parser.next());
    if (entry === undefined) return;
    yield entry;
  }
}

/**
 * The entries of an archive in order. Hops from header to header, so a large archive of few entries costs a few small
 * reads. The archive may end without its two zero blocks, as GNU tar accepts it, but only behind a whole entry.
 *
 * @throws {@link ImageError} `BAD_TAR_HEADER`, `TRUNCATED`, `BAD_ENTRY`.
 * @throws {@link LimitError} `COUNT_LIMIT`, `SIZE_LIMIT`, `MEMORY_LIMIT`.
 */
export function readTarIndex(
  source: Source,
  limits: TarLimits = {},
): AsyncGenerator<TarEntry, void, undefined> {
  return parseTar(new SeekCursor(source), limits);
}

/** How to scan an archive. */
export interface ScanTarOptions extends TarLimits {
  /** Shown every byte of the archive once, in order, whatever lies behind its end mark included. */
  onBytes?: ((bytes: Uint8Array) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The entries of an archive in order, reading all of it once from its first byte to its last.
 *
 * @throws as {@link readTarIndex}; the signal's reason when aborted.
 */
export async function* scanTar(
  source: Source,
  options: ScanTarOptions = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const { onBytes, signal } = options;
  async function* pieces() {
    for await (const piece of scanSource(source, { signal })) {
      onBytes?.(piece);
      yield piece;
    }
  }
  const cursor = new ScanCursor(pieces(), source.size);
  try {
    yield* parseTar(cursor, options);
    await cursor.drain();
  } finally {
    await cursor.close();
  }
}
