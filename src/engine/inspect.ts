import { ErrorCode, ImageError, isFlatdeltaError, NetworkError } from "../errors.ts";
import { isDigest } from "../image/digest.ts";
import { callEngine, type EngineAddress, engineError, readMessage } from "./connection.ts";

/** What an engine knows of an image. */
export interface EngineImage {
  /** "sha256:…": the config's digest, or in an engine with containerd's store the manifest's. */
  id: string;
  /** Its names: "app:1". */
  tags: readonly string[];
}

/** The path of a request about an image; its name may have slashes. */
export function imagePath(name: string, action: string): string {
  if (name === "" || /[\s\p{C}?#]/u.test(name))
    throw new RangeError(`image: expected a name or an ID, got ${JSON.stringify(name)}`);
  return `/images/${name.split("/").map(encodeURIComponent).join("/")}/${action}`;
}

/**
 * Find an image by its name or ID.
 *
 * @throws {@link ImageError} `IMAGE_NOT_FOUND`; {@link NetworkError} as `callEngine`, `HTTP_STATUS`, `BAD_RESPONSE`.
 */
export async function inspectImage(
  address: EngineAddress,
  name: string,
  signal: AbortSignal | undefined,
): Promise<EngineImage> {
  const answer = await callEngine(address, { method: "GET", path: imagePath(name, "json"), signal });
  if (answer.statusCode !== 200) {
    const error = await engineError(answer, address);
    if (error.code !== ErrorCode.NOT_FOUND) throw error;
    throw new ImageError(
      ErrorCode.IMAGE_NOT_FOUND,
      `the Docker engine has no image ${JSON.stringify(name)}; "docker image ls" shows what there is`,
      { path: address.name },
    );
  }
  try {
    const { Id, RepoTags } = JSON.parse(await readMessage(answer)) as { Id?: unknown; RepoTags?: unknown };
    if (isDigest(Id)) return { id: Id, tags: Array.isArray(RepoTags) ? RepoTags.map(String) : [] };
  } catch (error) {
    if (isFlatdeltaError(error)) throw error;
  }
  throw new NetworkError(
    ErrorCode.BAD_RESPONSE,
    "expected the Docker engine to describe the image, it did not",
    {
      path: address.name,
    },
  );
}
