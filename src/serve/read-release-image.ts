import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { ErrorCode, ImageError } from "../errors.ts";
import { readImage } from "../image/node.ts";
import type { ReleaseImage } from "./maker.ts";

/** Where images of releases are read from. */
export interface ImagePlaces {
  /** The one folder whose files releases may name: docker-archives, OCI archives and flat images. */
  readonly imagesFolder?: string | undefined;
  /** Which image of a multi-platform one ("linux/arm/v7"). */
  readonly platform?: string | undefined;
}

/**
 * Read the image of a release: a file directly in the folder, which links do not lead out of.
 *
 * A pull moves at most the file's bytes; that is what is reported.
 *
 * @throws {@link ImageError} `IMAGE_NOT_FOUND`, and as `readImage`.
 */
export async function readReleaseImage(
  name: string,
  { imagesFolder, platform }: ImagePlaces,
  signal: AbortSignal,
): Promise<ReleaseImage> {
  const path = await findFile(name, imagesFolder);
  const { size } = await stat(path);
  return { image: await readImage(path, { platform, signal }), pullBytes: size };
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
