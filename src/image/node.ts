/**
 * Images from files and folders: the part of `image` that knows `node:` modules.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ErrorCode, ImageError, UnsupportedError } from "../errors.ts";
import type { ByteInput, ScratchSpace } from "../io/index.ts";
import { fileScratch, openFileSource } from "../io/node.ts";
import { type BlobStore, openArchive } from "./archive.ts";
import { DOCKER_MANIFEST, readDockerStore } from "./docker.ts";
import { isFlatImage } from "./flat.ts";
import { readOciFolder } from "./folder.ts";
import type { ReadLimits } from "./limits.ts";
import { parseImageName } from "./name.ts";
import { OCI_INDEX, OCI_LAYOUT, type ReadOciOptions, readOciStore } from "./oci.ts";
import { type Platform, parsePlatform } from "./platform.ts";
import { readRootfs } from "./rootfs.ts";
import type { Image } from "./types.ts";

export { readOciFolder } from "./folder.ts";
export { type ReadRootfsOptions, readRootfs } from "./rootfs.ts";

/** Options of {@link readImage}. */
export interface ReadImageOptions {
  /** Which of the platforms of an image ("linux/arm/v7"); Linux on this machine's architecture by default. */
  platform?: string | Platform | undefined;
  /** Where compressed layers are decompressed to; the system's temporary folder by default. */
  scratch?: ScratchSpace | undefined;
  /** Stops reading, also what goes on later when the layers' entries are asked for. */
  signal?: AbortSignal | undefined;
  /** Extended attributes of a rootfs folder: see `readRootfs`. */
  xattrs?: "read" | "ignore" | undefined;
  limits?: ReadLimits | undefined;
}

/**
 * Read an image from wherever its name says: `docker-archive:PATH[:REPO:TAG|:@INDEX]`, `oci:FOLDER[:REFERENCE]`,
 * `oci-archive:PATH[:REFERENCE]`, `rootfs:FOLDER[:CONFIG.json]`, `flat:PATH`, or a bare path that is recognised by its
 * content. Archives may be compressed as a whole by gzip or zstd.
 *
 * Close the image when it is no longer needed: it holds files and scratch space.
 *
 * @throws RangeError for a malformed name or platform; {@link UnsupportedError} for `docker://` and other transports that
 * name no file; {@link ImageError} when the image is invalid or not found; the operating system's errors (`ENOENT`).
 */
export async function readImage(name: string, options: ReadImageOptions = {}): Promise<Image> {
  const { transport, path, reference } = parseImageName(name);
  const platform = typeof options.platform === "string" ? parsePlatform(options.platform) : options.platform;
  const { scratch = fileScratch(), signal, xattrs, limits } = options;
  if (transport === "docker" || transport === "docker-daemon") {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      `expected the name of a file or folder, found ${JSON.stringify(name)}; ` +
        (transport === "docker"
          ? "readRegistryImage of flatdelta/registry reads from registries"
          : "readEngineImage of flatdelta/engine reads from Docker engines"),
    );
  }
  const chosen = transport === "auto" ? await recognizeFolder(path) : transport;
  switch (chosen) {
    case "oci":
      return readOciFolder(path, { reference, platform, scratch, signal, limits });
    case "rootfs":
      return readRootfs(path, { config: reference, xattrs, signal, limits });
    default:
      return readArchive(path, chosen, { reference, platform, scratch, signal, limits });
  }
}

/** Options of {@link readImageStream}. */
export interface ReadImageStreamOptions extends Omit<ReadImageOptions, "xattrs"> {
  /** Which form the archive has; recognised by its content unless given. */
  transport?: "docker-archive" | "oci-archive" | undefined;
  /** Which image of the archive, as behind the path in a name: `repo:tag`, an OCI reference, `@index`. */
  reference?: string | undefined;
}

/**
 * Read an image from an archive that arrives in order, as `docker save` writes it into a pipe: a docker-archive, an OCI
 * archive or a flat image, plain or compressed as a whole by gzip or zstd. The same image comes out as if the archive
 * were a file; its members go to scratch space, which holds them until the image is closed.
 *
 * The input is read to its end before this resolves. On errors and when aborted it is destroyed (Node's streams),
 * cancelled (the web's) or told to return (iterators).
 *
 * @throws as {@link readImage} for a file; {@link ImageError} `BAD_ENTRY` for an archive that can only be read from a
 * file (with sparse members, which no tool for images writes); {@link LimitError} `SIZE_LIMIT` when more arrives than
 * `limits.decompressedBytes`.
 */
export async function readImageStream(
  input: ByteInput,
  options: ReadImageStreamOptions = {},
): Promise<Image> {
  const { transport = "auto", reference, scratch = fileScratch(), signal, limits } = options;
  const platform = typeof options.platform === "string" ? parsePlatform(options.platform) : options.platform;
  // Loaded for pipes only: the readers of files have no use for tar-stream.
  const { openArchiveStream } = await import("./pipe.ts");
  const store = await openArchiveStream(input, { scratch, signal, limits });
  try {
    return await readStore(store, transport, { reference, platform, scratch, signal, limits });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What a bare path is; `auto` for a file, whose content says the rest. */
async function recognizeFolder(path: string): Promise<"oci" | "rootfs" | "auto"> {
  if (!(await stat(path)).isDirectory()) return "auto";
  return (await exists(join(path, OCI_LAYOUT))) && (await exists(join(path, OCI_INDEX))) ? "oci" : "rootfs";
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readArchive(
  path: string,
  transport: "docker-archive" | "oci-archive" | "flat" | "auto",
  options: ReadOciOptions,
): Promise<Image> {
  const source = await openFileSource(path);
  let store: BlobStore | undefined;
  try {
    if (transport === "flat" && !(await isFlatImage(source))) {
      throw new ImageError(
        ErrorCode.BAD_MANIFEST,
        "expected a flat image, found something else; name it without flat: to have it recognised",
        { path },
      );
    }
    store = await openArchive(source, options);
    const image = await readStore(store, transport, options);
    return {
      ...image,
      close: async () => {
        await image.close();
        await source.close();
      },
    };
  } catch (error) {
    await store?.close();
    await source.close();
    throw error;
  }
}

async function readStore(
  store: BlobStore,
  transport: "docker-archive" | "oci-archive" | "flat" | "auto",
  options: ReadOciOptions,
): Promise<Image> {
  const isDocker =
    transport === "docker-archive" || (transport === "auto" && (await looksLikeDocker(store, options)));
  return (isDocker ? readDockerStore : readOciStore)(store, options);
}

/** Tell a docker-archive from an OCI archive. Docker 25 and later write both in one. */
async function looksLikeDocker(store: BlobStore, { platform }: ReadOciOptions): Promise<boolean> {
  const hasIndex = (await store.open(OCI_INDEX)) !== undefined;
  if ((await store.open(DOCKER_MANIFEST)) !== undefined) {
    // Only the index knows platforms.
    return !(hasIndex && platform !== undefined);
  }
  if (hasIndex) return false;
  throw new ImageError(
    ErrorCode.BAD_MANIFEST,
    `expected an image archive with ${DOCKER_MANIFEST} or ${OCI_INDEX}, found neither`,
  );
}
