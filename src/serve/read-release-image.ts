import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { ErrorCode, ImageError } from "../errors.ts";
import { parsePlatform } from "../image/index.ts";
import { readImage } from "../image/node.ts";
import { fileScratch } from "../io/node.ts";
import { RegistryClient, readRegistryImage } from "../registry/index.ts";
import { dockerCredentials } from "../registry/node.ts";
import type { ReleaseImage } from "./maker.ts";

/** Where images of releases are read from, and how. */
export interface ImagePlaces {
  /** The one folder whose files releases may name: docker-archives, OCI archives and flat images. */
  readonly imagesFolder?: string | undefined;
  /** Which image of a multi-platform one ("linux/arm/v7"). */
  readonly platform?: string | undefined;
  /** Where layers are downloaded and decompressed to; the system's temporary folder by default. */
  readonly scratchFolder?: string | undefined;
  /** Docker's `config.json` with credentials for registries; that of `docker login` by default. */
  readonly registryConfig?: string | undefined;
  /** Registries that are spoken to by plain http; those of this machine always may. */
  readonly insecureRegistries?: readonly string[] | undefined;
}

/**
 * Read the image of a release: from its registry for `docker://…`, else a file directly in the folder, which links do not
 * lead out of. The service has checked that the name is one that its configuration allows.
 *
 * A pull of a registry's image moves its layers as they are stored; of a file at most its bytes.
 *
 * @throws {@link ImageError} `IMAGE_NOT_FOUND`, and as `readImage`; NetworkError as `readRegistryImage`.
 */
export async function readReleaseImage(
  name: string,
  places: ImagePlaces,
  signal: AbortSignal,
): Promise<ReleaseImage> {
  const platform = places.platform === undefined ? undefined : parsePlatform(places.platform);
  const scratch = fileScratch(places.scratchFolder);
  if (name.startsWith("docker://")) {
    const client = new RegistryClient({
      credentials: dockerCredentials({ path: places.registryConfig }),
      insecureHosts: places.insecureRegistries,
    });
    const reference = name.slice("docker://".length);
    const image = await readRegistryImage(reference, { client, platform, scratch, signal });
    return { image, pullBytes: image.storedBytes, manifestDigest: image.manifest.digest };
  }
  const path = await findFile(name, places.imagesFolder);
  const { size } = await stat(path);
  return { image: await readImage(path, { platform, scratch, signal }), pullBytes: size };
}

async function findFile(name: string, folder: string | undefined): Promise<string> {
  const notFound = (): ImageError =>
    new ImageError(
      ErrorCode.IMAGE_NOT_FOUND,
      `expected the file ${JSON.stringify(name)} in the folder of images`,
    );
  if (folder === undefined || name === "" || name === "." || name === ".." || /[/\\\0]/u.test(name))
    throw notFound();
  const root = await realpath(folder);
  const path = await realpath(join(root, name)).catch(() => undefined);
  if (path === undefined || !path.startsWith(root + sep) || !(await stat(path)).isFile()) throw notFound();
  return path;
}
