import { isDigest } from "../image/digest.ts";
import { Problem } from "./problem.ts";

/** Which images releases may name. Nothing else is ever opened or connected to. */
export interface ImagePolicy {
  /** Registries by host and port, as they stand in a name: `registry.example.com`, `127.0.0.1:5000`. */
  readonly registries?: readonly string[] | undefined;
  /** Whether names of files are allowed, which the maker looks up in the one folder that it knows. */
  readonly files?: boolean | undefined;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/u;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/u;
const FILE = /^[A-Za-z0-9][A-Za-z0-9._+@-]{0,199}$/u;
// Path components, tag and digest of the distribution specification.
const REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/u;
const MAX_IMAGE_NAME = 512;

/** A device's name of an image: a digest, or a version of an app. */
export type ImageIdentity = { readonly digest: string } | { readonly app: string; readonly version: string };

/**
 * Parse what `src` and `dest` say.
 *
 * @throws {@link Problem} `BAD_REQUEST`.
 */
export function parseIdentity(text: string, parameter: string): ImageIdentity {
  if (isDigest(text)) return { digest: text };
  const colon = text.indexOf(":");
  const [app, version] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  if (isAppName(app) && VERSION.test(version)) return { app, version };
  throw new Problem(
    400,
    "BAD_REQUEST",
    `${parameter}: expected sha256: and 64 hexadecimal digits, or APP:VERSION`,
  );
}

/** Whether text can name an app. The word that digests begin with cannot: `APP:VERSION` would look like one. */
export function isAppName(text: string): boolean {
  return NAME.test(text) && text !== "sha256";
}

/** Whether text can name a version. */
export const isVersion = (text: string): boolean => VERSION.test(text);

/**
 * Check that a release may name this image.
 *
 * @throws {@link Problem} `BAD_REQUEST` for a name of another form, `FORBIDDEN` for one that the policy does not allow.
 */
export function checkImageName(image: string, { registries = [], files = false }: ImagePolicy): void {
  if (image.startsWith("docker://") && image.length <= MAX_IMAGE_NAME) {
    const rest = image.slice("docker://".length);
    const slash = rest.indexOf("/");
    const [host, repository] = [rest.slice(0, Math.max(0, slash)), rest.slice(slash + 1)];
    if (!REPOSITORY.test(repository) || host === "")
      throw new Problem(400, "BAD_REQUEST", "image: expected docker://HOST/NAME[:TAG][@DIGEST]");
    if (!registries.includes(host))
      throw new Problem(403, "FORBIDDEN", "image: this service does not read from that registry");
    return;
  }
  if (!FILE.test(image))
    throw new Problem(
      400,
      "BAD_REQUEST",
      "image: expected docker://HOST/NAME[:TAG][@DIGEST] or the name of a file",
    );
  if (!files) throw new Problem(403, "FORBIDDEN", "image: this service does not read files");
}
