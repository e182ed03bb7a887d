import type { Image, Platform } from "../image/index.ts";
import { RegistryClient, type RegistryOptions, readRegistryImage } from "../registry/index.ts";
import type { PullOptions } from "./source.ts";

/** Which registries are spoken to, and how. */
export interface RegistryAccess extends Pick<RegistryOptions, "credentials" | "insecureHosts" | "fetch"> {
  /** Which of the platforms of an image; Linux on the architecture of this machine by default. */
  platform?: Platform | undefined;
}

const FOR_EVER_MS = 2 ** 31 - 1;

/** How a client for a registry is to speak. */
export function registryOptions(
  { credentials, insecureHosts, fetch }: RegistryAccess,
  timeoutMs: number = FOR_EVER_MS,
): RegistryOptions {
  return { credentials, insecureHosts, fetch, headersTimeoutMs: timeoutMs, stallTimeoutMs: timeoutMs };
}

/**
 * Reads whole images of registries for a full pull: the `readImage` of `serviceSource`.
 *
 * ```ts
 * const readImage = registryReader({ credentials: dockerCredentials() });
 * const source = serviceSource("https://deltas.example.org", { readImage });
 * ```
 */
export function registryReader(
  access: RegistryAccess = {},
): (name: string, options: PullOptions) => Promise<Image> {
  return async (name, { scratch, signal, timeoutMs, retry, onRetry, onBytes }) => {
    const client = new RegistryClient({ ...registryOptions(access, timeoutMs), retry, onRetry });
    const { platform } = access;
    return readRegistryImage(withoutTransport(name), { client, platform, scratch, signal, onBytes });
  };
}

/** The reference in a name of an image: `docker://` may stand before it. */
export function withoutTransport(name: string): string {
  return name.replace(/^docker:\/\//u, "");
}
