import { hashWholeSource } from "../../encode/index.ts";
import type { EntrySpan, IndexOptions, SourceIndex } from "../../encode/input.ts";
import { isFlatdeltaError } from "../../errors.ts";
import { type Hash64Api, loadHash64 } from "../../hash/index.ts";
import { readRange, type Source } from "../../io/index.ts";
import { readScannedTar, type ScannedTar, TAR_BLOCK_BYTES, type UnreadEntry } from "../../transform/index.ts";
import { DEFAULT_TAR_LIMITS, SeekCursor, TarParser } from "../tar/index.ts";
import { describeEntry } from "./describe-entry.ts";
import type { Envelope } from "./envelope.ts";
import { describeEnvelope, outerSpans } from "./outer-spans.ts";
import { scanFlatImage } from "./scan.ts";

/** Read the headers of an entry that took a tar reader; whether they say what the scanner took them for. */
async function readHeaders(
  { entry, headers, hasZeroPadding }: UnreadEntry,
  hashes: Hash64Api,
): Promise<boolean> {
  // The reader wants to see that there is content, but not the content.
  const { headerOffset, contentBytes } = entry;
  const source: Source = {
    size: headers.length + contentBytes + TAR_BLOCK_BYTES,
    read: async (offset, into) => into.set(headers.subarray(offset, offset + into.length)),
  };
  const found = await new TarParser(new SeekCursor(source), {}).next();
  if (found?.contentOffset !== headers.length || found.contentBytes !== contentBytes) return false;
  const block = headers.subarray(headers.length - TAR_BLOCK_BYTES);
  const { contentHash } = entry;
  Object.assign(entry, describeEntry(found, block, hashes), {
    headerOffset,
    contentOffset: headerOffset + headers.length,
    contentHash,
  });
  if (!hasZeroPadding) entry.headerHash = undefined;
  return true;
}

/** The entries of a layer; nothing where a tar reader must tell what they are, or what is wrong with them. */
async function readLayer(tar: ScannedTar, entryCount: number): Promise<EntrySpan[] | undefined> {
  const { maxEntries, maxNameBytes } = DEFAULT_TAR_LIMITS;
  if (tar.texts.length > maxNameBytes || entryCount > maxEntries) return undefined;
  const { entries, unread } = readScannedTar(tar);
  if (entries.length !== entryCount) return undefined;
  const hashes = await loadHash64();
  try {
    for (const each of unread) if (!(await readHeaders(each, hashes))) return undefined;
  } catch (error) {
    if (isFlatdeltaError(error)) return undefined;
    throw error;
  }
  return entries;
}

/**
 * Read a flat image once from its first byte to its last: hashes of the whole, place and XXH64 of each entry.
 *
 * @throws {@link ImageError} when the layer is no tar.
 */
export async function indexFlatImage(
  source: Source,
  envelope: Envelope,
  options: IndexOptions = {},
): Promise<SourceIndex> {
  const { wholeHashing, signal, onProgress } = options;
  const { layer, layerOffset } = envelope;
  const wanted = { tar: { offset: layerOffset, length: layer.sizeBytes } };
  const onBytes = (doneBytes: number): void =>
    onProgress?.({ phase: "index", doneBytes, totalBytes: source.size });
  const elsewhere = wholeHashing?.hashWhole(source, wanted, signal);
  const { tar, ...hashes } = await (elsewhere ?? hashWholeSource(source, wanted, { signal, onBytes }));
  if (elsewhere !== undefined) onBytes(source.size);
  const inner = tar && (await readLayer(tar, layer.entryCount));
  if (inner === undefined) {
    const { index } = await scanFlatImage(source, envelope, { signal });
    return { ...index, hashes: Promise.resolve(hashes) };
  }
  const outer = outerSpans(envelope);
  const { hash } = await loadHash64();
  for (const span of outer) {
    const { contentOffset, contentBytes } = span;
    if (contentBytes > 0) span.contentHash = hash(await readRange(source, contentOffset, contentBytes));
  }
  return {
    hashes: Promise.resolve(hashes),
    entries: [...outer, ...inner],
    envelope: describeEnvelope(envelope),
  };
}
