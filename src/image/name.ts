import { ErrorCode, UnsupportedError } from "../errors.ts";

/** Where an image is read from; `auto` is a bare path, recognised by its content. */
export type ImageTransport = FileTransport | RemoteTransport;

/** Transports of files and folders. */
export type FileTransport = "docker-archive" | "oci" | "oci-archive" | "rootfs" | "flat" | "auto";

/** Transports of a registry (`docker://`) and of a Docker engine. */
export type RemoteTransport = "docker" | "docker-daemon";

/** The parts of an image name. */
export interface ImageName {
  transport: ImageTransport;
  /** Path of the archive, file or folder; of a remote transport, the image's name there. */
  path: string;
  /**
   * Which image in it: `repo:tag` or `@index` in a docker-archive, the reference name or `@index` in an OCI layout;
   * in a rootfs name, the path of the config JSON.
   */
  reference?: string;
}

const FILE_TRANSPORTS: ReadonlySet<string> = new Set([
  "docker-archive",
  "oci",
  "oci-archive",
  "rootfs",
  "flat",
]);
const REMOTE_PREFIXES: Readonly<Record<RemoteTransport, string>> = {
  docker: "docker://",
  "docker-daemon": "docker-daemon:",
};
// Transports of skopeo's that name nothing which this library reads.
const OTHER_TRANSPORTS: ReadonlySet<string> = new Set([
  "atomic",
  "containers-storage",
  "dir",
  "ostree",
  "sif",
  "tarball",
]);

/**
 * Parse an image name in the manner of skopeo's transports: `docker-archive:PATH[:REPO:TAG|:@INDEX]`,
 * `oci:PATH[:REFERENCE]`, `oci-archive:PATH[:REFERENCE]`, `rootfs:FOLDER[:CONFIG.json]`, `flat:PATH`, `docker://REFERENCE`,
 * `docker-daemon:REFERENCE`, or a bare path.
 *
 * The path ends at the first colon behind the transport, as with skopeo; a bare path is taken whole.
 *
 * @throws RangeError when the path or the reference is empty.
 * @throws {@link UnsupportedError} `UNSUPPORTED_FEATURE` for transports that are not read: `containers-storage:`, `dir:` …
 */
export function parseImageName(text: string): ImageName {
  const colon = text.indexOf(":");
  const transport = text.slice(0, Math.max(colon, 0));
  if (OTHER_TRANSPORTS.has(transport)) {
    throw new UnsupportedError(
      ErrorCode.UNSUPPORTED_FEATURE,
      `images cannot be read from ${transport}: (${JSON.stringify(text)}); save the image to a file first, as ` +
        "`docker save` or `skopeo copy … oci:FOLDER` do, and name that",
    );
  }
  if (transport === "docker" || transport === "docker-daemon") {
    const prefix = REMOTE_PREFIXES[transport];
    if (!text.startsWith(prefix) || text === prefix)
      throw new RangeError(`image name: expected ${prefix}REFERENCE, got "${text}"`);
    return { transport, path: text.slice(prefix.length) };
  }
  if (!FILE_TRANSPORTS.has(transport)) {
    if (text === "")
      throw new RangeError("image name: expected a path or transport:path, got an empty string");
    return { transport: "auto", path: text };
  }
  const rest = text.slice(colon + 1);
  // The colon of a Windows drive is no separator.
  const end = rest.indexOf(":", /^[A-Za-z]:[\\/]/.test(rest) ? 2 : 0);
  const path = transport === "flat" || end < 0 ? rest : rest.slice(0, end);
  if (path === "") throw new RangeError(`image name: expected a path behind "${transport}:", got "${text}"`);
  const name: ImageName = { transport: transport as ImageTransport, path };
  if (path.length < rest.length) {
    name.reference = rest.slice(end + 1);
    if (name.reference === "")
      throw new RangeError(`image name: expected something behind the last colon of "${text}"`);
  }
  return name;
}

/**
 * An image reference as Docker shows it: without the default registry and namespace, with a tag.
 *
 * Both sides of a comparison go through this, so that `docker.io/library/redis` and `redis:latest` are one.
 */
export function familiarReference(reference: string): string {
  const short = reference.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\/(?=[^/]+$)/, "");
  return /[:@][^/]*$/.test(short) ? short : `${short}:latest`;
}
