import { readEngineImage } from "../engine/index.ts";
import type { Image, RemoteTransport } from "../image/index.ts";
import { parsePlatform } from "../image/index.ts";
import type { ReadImageOptions } from "../image/node.ts";
import { fileScratch } from "../io/node.ts";
import { parseReference, RegistryClient, readRegistryImage } from "../registry/index.ts";
import { dockerCredentials } from "../registry/node.ts";
import { listOption, textOption } from "./arguments.ts";
import type { CommandContext, OptionValues } from "./command.ts";
import { checkUsage } from "./exit-code.ts";

/** The client of registries that the options describe. */
export function createRegistryClient(values: OptionValues): RegistryClient {
  return new RegistryClient({
    credentials: dockerCredentials({ path: textOption(values, "registry-config") }),
    insecureHosts: listOption(values, "insecure-registry"),
  });
}

/** Read an image from a registry or a Docker engine. */
export async function readRemoteImage(
  { transport, path }: { transport: RemoteTransport; path: string },
  options: ReadImageOptions,
  { values, onProgress }: CommandContext,
): Promise<Image> {
  const { signal, limits, scratch = fileScratch() } = options;
  if (transport === "docker-daemon") return readEngineImage(path, { ...options, scratch });
  const platform = typeof options.platform === "string" ? parsePlatform(options.platform) : options.platform;
  const reference = checkUsage(() => parseReference(path));
  return readRegistryImage(reference, {
    client: createRegistryClient(values),
    platform,
    scratch,
    signal,
    limits,
    onBytes: (doneBytes, totalBytes) => onProgress?.({ phase: "pull", doneBytes, totalBytes }),
  });
}
