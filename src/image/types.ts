import type { Source } from "../io/index.ts";

/** What kind of thing a path of an image is. A hard link names another path of the image. */
export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";

/**
 * One entry of a layer: all that the flat image keeps of it.
 *
 * Names are bytes, not text: `path` and `linkPath` are binary strings, one UTF-16 unit from 0 to 255 for each byte, so
 * that comparing two strings compares their bytes and names that are no UTF-8 survive.
 */
export interface LayerEntry {
  type: EntryType;
  /** Path from the root of the image with no leading, trailing or doubled slash; "" is the root itself. */
  path: string;
  /** Permission bits, setuid, setgid and sticky: 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  /** Whole seconds since 1970, negative before; the fraction is in `mtimeNanoseconds`, 0 to 999,999,999. */
  mtimeSeconds: number;
  mtimeNanoseconds: number;
  /** Symlink: its text as it stands. Hard link: the path that it links to, in the form of `path`. Else "". */
  linkPath: string;
  /** Device numbers of a character or block device, else 0. */
  deviceMajor: number;
  deviceMinor: number;
  /** Extended attributes; names are binary strings as paths are ("security.capability"). */
  xattrs: ReadonlyMap<string, Uint8Array>;
  /** Content of a file; of size 0 for everything else. Sparse files read as the dense file. */
  content: Source;
  /** Of what is read from a file system: whether it has other names, perhaps outside of what is read. */
  isLinked?: boolean;
}

/** One layer of an image, lowest first in {@link Image.layers}. Whiteouts are entries like any other here. */
export interface ImageLayer {
  /** Digest of the uncompressed tar ("sha256:…") as the config names it; none for a rootfs folder. */
  readonly diffId?: string;
  /**
   * The layer's entries in the order of its tar, each once.
   *
   * Reading to the end proves the `diffId`: a mismatch throws `DIGEST_MISMATCH` instead of ending. The contents stay
   * readable until the image is closed.
   */
  entries(options?: { signal?: AbortSignal | undefined }): AsyncIterable<LayerEntry>;
  /** The uncompressed tar, readable until the image is closed; its digest is not proven. Absent for a rootfs folder. */
  openTar?(options?: { signal?: AbortSignal | undefined }): Promise<Source>;
}

/** An image: its config and its layers. */
export interface Image {
  /** The config JSON, as it stands in the image (its digest is proven). */
  readonly config: Uint8Array;
  readonly layers: readonly ImageLayer[];
  /** Names that the archive or layout gives the image ("repo/name:tag"), for people. */
  readonly references: readonly string[];
  /** Release files and scratch space. */
  close(): Promise<void>;
}

/** How manifests name contents (OCI image specification, descriptor.md). */
export interface ContentDescriptor {
  mediaType: string;
  /** "sha256:…". */
  digest: string;
  /** In bytes. */
  size: number;
}

/** An image that was read by its manifest. */
export interface ManifestImage extends Image {
  /** The manifest of the one platform that was chosen. */
  readonly manifest: ContentDescriptor;
  /** Sizes of all layers as they are stored, together: about what pulling the image costs. */
  readonly storedBytes: number;
}
