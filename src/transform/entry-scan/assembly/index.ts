// One pass over the bytes of a tar: where its entries lie, their paths, and hashes of contents and headers. See ../scanner.ts.
import { hash64 } from "../../../hash/core/assembly/xxh64";
import { digestStream, HashStream, startStream, updateStream } from "../../../hash/core/assembly/xxh64-stream";
import {
  BLOCK_BYTES,
  GID_AT,
  hasChecksum,
  isShortNumber,
  isUstar,
  isZero,
  MAJOR_AT,
  MINOR_AT,
  MODE_AT,
  maskPath,
  maskTime,
  putPath,
  sizeOf,
  timeOf,
  typeOf,
  UID_AT,
} from "./header";
import {
  CONTENT_STREAM,
  MASKED,
  MAX_RECORDS,
  MAX_TEXT_BYTES,
  PENDING,
  PENDING_TEXT,
  RECORD_BYTES,
  RECORDS,
  TEXTS,
  TEXTS_BYTES,
  WHOLE_STREAM,
} from "./memory";

export { INPUT, INPUT_BYTES, RECORD_BYTES, RECORDS, TEXTS } from "./memory";

/** What comes next. */
const HEADER: u32 = 0;
/** What an extended header says. */
const EXTENSION: u32 = 1;
const CONTENT: u32 = 2;
const PADDING: u32 = 3;
/** The second zero block of the end. */
const SECOND_ZERO: u32 = 4;
/** Nothing that matters. */
const ENDED: u32 = 5;
/** Something that this does not know. */
const STRANGE: u32 = 6;

/** What a record says beside its numbers: see ../records.ts. */
const IS_UNREAD: u32 = 1;
/** Taken away where other bytes than zeros pad the content. */
const HAS_HEADER_HASH: u32 = 2;
const HAS_IDENTITY: u32 = 4;

@unmanaged
class Entry {
  headerOffset: f64;
  contentBytes: f64;
  /** −1 where there is none. */
  time: f64;
  contentHash: u64;
  headerHash: u64;
  identity: u64;
  headerBytes: f64;
  textBytes: u32;
  flags: u32;
}

const pending = changetype<Entry>(PENDING);
const content = changetype<HashStream>(CONTENT_STREAM);
const whole = changetype<HashStream>(WHOLE_STREAM);

let state: u32 = HEADER;
/** Bytes of the present extension, content or padding that are yet to come. */
let left: u64 = 0;
/** Where the entry begins whose extended headers have been seen; −1 while there were none. */
let extendedFrom: f64 = -1;
let records: u32 = 0;
let texts: usize = TEXTS;
/** Bytes of the extended headers so far. */
let extendedBytes: usize = 0;

/** Begin with a tar. */
export function start(): void {
  state = HEADER;
  left = 0;
  extendedFrom = -1;
  extendedBytes = 0;
  takeRecords();
  startStream(whole);
}

/** Take bytes into the hash of all that passes. */
export function hashPiece(from: usize, length: u32): void {
  updateStream(whole, from, length);
}

export function digestWhole(): u64 {
  return digestStream(whole);
}

export function recordCount(): u32 {
  return records;
}

export function textBytes(): u32 {
  return <u32>(texts - TEXTS);
}

/** Say that the records and texts were taken. */
export function takeRecords(): void {
  records = 0;
  texts = TEXTS;
}

/** Whether the tar may end here, as a whole one. */
export function mayEnd(): bool {
  return state == ENDED || state == SECOND_ZERO || (state == HEADER && extendedFrom < 0);
}

/** Whether all so far is understood. */
export function isKnown(): bool {
  return state != STRANGE;
}

function complete(): void {
  memory.copy(RECORDS + RECORD_BYTES * <usize>records, PENDING, RECORD_BYTES);
  records++;
  memory.copy(texts, PENDING_TEXT, pending.textBytes);
  texts += pending.textBytes;
  state = HEADER;
}

function beginPadding(): void {
  left = (BLOCK_BYTES - (<u64>pending.contentBytes & (BLOCK_BYTES - 1))) & (BLOCK_BYTES - 1);
  state = PADDING;
  if (left == 0) complete();
}

function isDevice(type: u32): bool {
  return type == 0x33 || type == 0x34;
}

function describe(block: usize, type: u32, size: i64, time: i64): void {
  pending.textBytes = <u32>putPath(block, PENDING_TEXT);
  pending.time = <f64>time;
  memory.copy(MASKED, block, BLOCK_BYTES);
  maskTime(MASKED);
  pending.headerHash = hash64(MASKED, BLOCK_BYTES);
  pending.flags = HAS_HEADER_HASH | HAS_IDENTITY;
  if (type == 0x30) pending.identity = 2;
  else if (type == 0x35) pending.identity = 1;
  else if (type == 0x31) pending.flags = HAS_HEADER_HASH;
  else {
    memory.copy(MASKED, block, BLOCK_BYTES);
    maskPath(MASKED);
    pending.identity = hash64(MASKED, BLOCK_BYTES);
  }
}

/** Keep a part of the headers of an entry that is not told apart here. */
function keepHeader(from: usize, length: u32): void {
  if (extendedBytes + length > MAX_TEXT_BYTES) {
    state = STRANGE;
    return;
  }
  memory.copy(PENDING_TEXT + extendedBytes, from, length);
  extendedBytes += length;
}

/** A header: what it announces comes next. */
function readHeader(block: usize, offset: f64): void {
  if (isZero(block, BLOCK_BYTES)) {
    state = extendedFrom < 0 ? SECOND_ZERO : STRANGE;
    return;
  }
  const type = typeOf(block);
  const size = sizeOf(block);
  if (size < 0 || !hasChecksum(block)) {
    state = STRANGE;
    return;
  }
  if (type == 0x78 || type == 0x4c || type == 0x4b) {
    if (extendedFrom < 0) extendedFrom = offset;
    keepHeader(block, BLOCK_BYTES);
    if (state == STRANGE) return;
    left = (<u64>size + BLOCK_BYTES - 1) & ~<u64>(BLOCK_BYTES - 1);
    state = left == 0 ? HEADER : EXTENSION;
    return;
  }
  const isFile = type == 0x30 || type == 0x37 || type == 0;
  if (!isFile && (type < 0x31 || type > 0x36)) {
    state = STRANGE;
    return;
  }
  const time = timeOf(block);
  const isPlain =
    extendedFrom < 0 &&
    type >= 0x30 &&
    type <= 0x36 &&
    (isFile || size == 0) &&
    time >= 0 &&
    isUstar(block) &&
    isShortNumber(block + MODE_AT) &&
    isShortNumber(block + UID_AT) &&
    isShortNumber(block + GID_AT) &&
    (!isDevice(type) || (isShortNumber(block + MAJOR_AT) && isShortNumber(block + MINOR_AT)));
  pending.headerOffset = extendedFrom < 0 ? offset : extendedFrom;
  pending.headerBytes = offset + BLOCK_BYTES - pending.headerOffset;
  pending.contentBytes = isFile ? <f64>size : 0;
  pending.contentHash = 0;
  extendedFrom = -1;
  if (isPlain) describe(block, type, size, time);
  else {
    keepHeader(block, BLOCK_BYTES);
    if (state == STRANGE) return;
    pending.textBytes = <u32>extendedBytes;
    pending.flags = IS_UNREAD | HAS_HEADER_HASH;
  }
  extendedBytes = 0;
  left = <u64>pending.contentBytes;
  if (left == 0) complete();
  else {
    state = CONTENT;
    startStream(content);
  }
}

/**
 * Go through the next bytes of the tar until they end or the room for records does; returns how many were gone through. Headers lie
 * in them whole.
 *
 * @param offset - of the first byte, as records are to have it.
 */
export function scan(offset: f64, from: usize, length: u32): u32 {
  const end = from + length;
  let at = from;
  while (at < end && state != STRANGE) {
    const bytes = <u32>(end - at);
    if (state == HEADER || state == SECOND_ZERO) {
      if (records == MAX_RECORDS || texts + MAX_TEXT_BYTES > TEXTS + TEXTS_BYTES) break;
      if (bytes < BLOCK_BYTES) state = STRANGE;
      else if (state == HEADER) readHeader(at, offset + <f64>(at - from));
      else state = isZero(at, BLOCK_BYTES) ? ENDED : STRANGE;
      at += BLOCK_BYTES;
      continue;
    }
    if (state == ENDED) return length;
    const part = <u32>min<u64>(left, bytes);
    if (state == CONTENT) {
      if (<f64>part == pending.contentBytes) pending.contentHash = hash64(at, part);
      else updateStream(content, at, part);
    } else if (state == EXTENSION) keepHeader(at, part);
    else if (!isZero(at, part)) pending.flags &= ~HAS_HEADER_HASH;
    at += part;
    left -= part;
    if (left > 0 || state == STRANGE) continue;
    if (state == CONTENT) {
      if (<f64>part != pending.contentBytes) pending.contentHash = digestStream(content);
      beginPadding();
    } else if (state == PADDING) complete();
    else state = HEADER;
  }
  return <u32>(at - from);
}
