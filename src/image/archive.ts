import { ErrorCode, ImageError } from "../errors.ts";
import { createMemoryScratch, type ScratchSpace, type Source, subSource } from "../io/index.ts";
import { detectCompression, spoolDecompressed } from "./decompress.ts";
import { ExpansionMeter, fillLimits, type ReadLimits } from "./limits.ts";
import { readTarIndex, type TarHeader } from "./tar/index.ts";
import type { ContentDescriptor } from "./types.ts";

/** Named blobs of an image: the members of an archive or the files of a folder. */
export interface BlobStore {
  /**
   * The blob of that name ("blobs/sha256/…"), or `undefined`. It lives until the store is closed.
   *
   * @param descriptor - what names the blob, where a manifest does.
   */
  open(path: string, descriptor?: ContentDescriptor): Promise<Source | undefined>;
  /** Release what the store holds, not what it was made from. */
  close(): Promise<void>;
}

/** How to open an image archive. */
export interface OpenArchiveOptions {
  /** Where a compressed archive is decompressed to; memory by default. */
  scratch?: ScratchSpace | undefined;
  signal?: AbortSignal | undefined;
  limits?: ReadLimits | undefined;
}

type Member = { offset: number; length: number } | { link: string };

/** What the members of an archive are called and where their contents lie. */
export type MemberIndex = Map<string, Member>;

// As many links in a row as Linux follows.
const MAX_LINKS = 40;

function unsafe(message: string, path: string): ImageError {
  return new ImageError(ErrorCode.UNSAFE_PATH, message, { path });
}

/** `path`, seen from `folder` (components), without "." and ".." components; `undefined` when it leaves the archive. */
function resolveInside(folder: readonly string[], path: string): string | undefined {
  const components = path.startsWith("/") ? [] : [...folder];
  for (const component of path.split("/")) {
    if (component === "..") {
      if (components.pop() === undefined) return undefined;
    } else if (component !== "" && component !== ".") components.push(component);
  }
  return components.join("/");
}

/**
 * Open a tar archive of an image for reading any of its members. A gzip or zstd compressed archive, as
 * `docker save | gzip` makes it, is decompressed into scratch space first.
 *
 * Symbolic and hard links between members are followed inside the archive (old versions of `docker save` share layers
 * so). Of several members of one name the last counts, as if the archive had been unpacked.
 *
 * @throws {@link ImageError} for malformed archives, `UNSAFE_PATH` for members or links that lead out of the archive.
 */
export async function openArchive(source: Source, options: OpenArchiveOptions = {}): Promise<BlobStore> {
  const { scratch = createMemoryScratch(), signal } = options;
  const limits = fillLimits(options.limits);
  const compression = await detectCompression(source);
  const spooled =
    compression === "none"
      ? undefined
      : await spoolDecompressed(source, compression, { scratch, signal, meter: new ExpansionMeter(limits) });
  try {
    const archive = spooled?.source ?? source;
    const members: MemberIndex = new Map();
    for await (const { header, contentOffset, contentBytes } of readTarIndex(archive, {
      ...limits,
      maxEntries: limits.archiveMembers,
    })) {
      signal?.throwIfAborted();
      addMember(members, header, contentOffset, contentBytes);
    }
    return memberStore(members, archive, async () => spooled?.release());
  } catch (error) {
    await spooled?.release();
    throw error;
  }
}

/**
 * Take a member into the index. Of several members of one name the last counts; folders and sparse files are left out.
 *
 * @param offset - where the member's content lies in what {@link memberStore} reads from.
 * @throws {@link ImageError} `UNSAFE_PATH` for members or links that lead out of the archive.
 */
export function addMember(members: MemberIndex, header: TarHeader, offset: number, length: number): void {
  if (header.type === "directory") return;
  const path = resolveInside([], header.name);
  if (path === undefined) throw unsafe("a member's name leaves the archive", header.name);
  if (header.type === "file" && header.sparse === undefined) {
    members.set(path, { offset, length });
  } else if (header.type === "symlink" || header.type === "hardlink") {
    const folder = header.type === "symlink" ? path.split("/").slice(0, -1) : [];
    const link = resolveInside(folder, header.linkName);
    if (link === undefined)
      throw unsafe(`a link to ${JSON.stringify(header.linkName)} leaves the archive`, path);
    members.set(path, { link });
  }
}

/** The members of an index as blobs, their contents being ranges of `contents`. */
export function memberStore(members: MemberIndex, contents: Source, release: () => Promise<void>): BlobStore {
  return {
    open: async (path) => {
      const found = findMember(members, path);
      return found === undefined ? undefined : subSource(contents, found.offset, found.length);
    },
    close: release,
  };
}

function findMember(members: MemberIndex, path: string): { offset: number; length: number } | undefined {
  let name = resolveInside([], path);
  for (let links = 0; links <= MAX_LINKS; links++) {
    const member: Member | undefined = name === undefined ? undefined : members.get(name);
    if (member === undefined || "offset" in member) return member;
    name = member.link;
  }
  throw unsafe(`expected at most ${MAX_LINKS} links in a row`, path);
}
