import type { WholeHashes } from "../hash/index.ts";
import type { OnProgress, Source } from "../io/index.ts";
import type { WholeHashing } from "./whole-hashing.ts";

/**
 * Where one entry of a tar lies in the bytes of a flat image. Spans come in the order of their offsets and do not overlap.
 */
export interface EntrySpan {
  /** Path of the entry, for finding its counterpart and for reports. */
  path: string;
  /** Offset of the entry's first header block (extended headers included). */
  headerOffset: number;
  headerBytes: number;
  /** Content of a regular file, without the padding behind it. */
  contentOffset: number;
  contentBytes: number;
  /** XXH64 (seed 0) of the content; 0n when there is none. */
  contentHash: bigint;
  /**
   * XXH64 (seed 0) of the header, without what {@link headerTime} tells; given only where zeros pad the content. Absent where it is
   * not known: then the bytes are compared.
   */
  headerHash?: bigint | undefined;
  /**
   * What the entry of an image is, as an update in place of an unpacked one sees it: one with the same path, content and identity
   * stays where it is. Of a file a hash of its extended attributes, of a link or device one of all that it is;
   * of a folder `FOLDER_IDENTITY`. Absent for hard links, which are but other names, and for what belongs to no image's tree.
   */
  identity?: bigint | undefined;
  /** The time in seconds that was taken out of the header, and its checksum with it, before it was hashed, if they were. */
  headerTime?: number | undefined;
}

/** The `identity` of a folder: its attributes can change where it is. */
export const FOLDER_IDENTITY = 1n;

/** What the head of a flat image, all before its layer, is made from. */
export interface EnvelopeSpan {
  configOffset: number;
  configBytes: number;
  layerOffset: number;
  /** "sha256:...". */
  layerDigest: string;
  /** Entries in the layer. */
  entryCount: number;
}

/** What one pass over a basis or target tells the encoder. */
export interface SourceIndex {
  /** Hashes of all bytes. Where others take them, entries may be known before. */
  hashes: Promise<WholeHashes>;
  /** The entries inside; empty for plain bytes. */
  entries: readonly EntrySpan[];
  /** Of a flat image: a delta can do without most of its head then. */
  envelope?: EnvelopeSpan | undefined;
}

/** How to index. */
export interface IndexOptions {
  /** Who hashes all bytes meanwhile: the calling thread in its own pass unless said otherwise. */
  wholeHashing?: WholeHashing | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
}

/** Bytes with known structure: a flat image. `FlatImage` of `flatdelta/image` is one. */
export interface IndexedInput {
  readonly source: Source;
  /** Read all bytes and tell what is in them. A second call gives the same answer without reading. */
  index(options?: IndexOptions): Promise<SourceIndex>;
}
