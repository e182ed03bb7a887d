import { readFileSync } from "node:fs";
import { parsePlatform } from "../../image/index.ts";
import { dockerCredentials } from "../../registry/node.ts";
import {
  type DeltaPolicy,
  type RegistryAccess,
  type ResolvedPolicy,
  registryReader,
  registrySource,
  resolvePolicy,
  serviceSource,
  type UpdateSite,
  type UpdateSource,
  type Variables,
} from "../../update/index.ts";
import { flatFile, rootfsFolder } from "../../update/node.ts";
import { listOption, numberOption, REGISTRY_OPTIONS, textOption } from "../arguments.ts";
import type { OptionTable, OptionValues } from "../command.ts";
import { CONFIG_OPTION } from "../config-file.ts";
import { checkUsage, UsageError } from "../exit-code.ts";
import { parseRootfsName } from "./rootfs-name.ts";

/** The options that `update` and `agent` share. */
export const UPDATE_OPTIONS: OptionTable = {
  from: {
    type: "string",
    value: "URL",
    help: "a delta service, http(s)://…, or an image in a registry, docker://REF; needed",
  },
  app: {
    type: "string",
    value: "NAME[:VERSION]",
    help: "what to have, from a delta service; the latest version unless it is named",
  },
  current: {
    type: "string",
    value: "IMAGE",
    help: "the image on this device: a flat image, or rootfs:DIR[:CONFIG]; needed",
  },
  "in-place": {
    type: "boolean",
    help: "let deltas overwrite a flat image; a folder is always updated in place",
  },
  work: {
    type: "string",
    value: "DIR",
    help: "folder for downloads, which the next run goes on with (CURRENT.update)",
  },
  "token-file": { type: "string", value: "FILE", help: "file with the delta service's bearer token" },
  variables: {
    type: "string",
    value: "FILE",
    help: "JSON with fleetVariables and deviceVariables (those of the environment win)",
  },
  "ready-within": {
    type: "string",
    value: "SECONDS",
    help: "how long to ask for a delta that is being made, before a full pull (600)",
  },
  platform: {
    type: "string",
    value: "OS/ARCH[/VARIANT]",
    help: "which image of a multi-platform one to take",
  },
  ...REGISTRY_OPTIONS,
  xattrs: { type: "string", value: "read|ignore", help: "extended attributes of a folder (read)" },
  log: { type: "string", value: "text|json", help: "form of the log on standard error (text)" },
  ...CONFIG_OPTION,
};

/** The option of `update` alone: what follows announcements keeps one image. */
export const TARGET_OPTION: OptionTable = {
  target: { type: "string", value: "FILE", help: "where the new flat image goes, if the old one is to stay" },
};

const MAX_SECONDS = 1_000_000;

/** What the options say. */
export interface UpdateSettings {
  /** Path of the image or folder that is updated. */
  readonly path: string;
  readonly site: UpdateSite;
  readonly source: UpdateSource;
  /** In the words of the source. */
  readonly wanted: string;
  /** Where announcements come from, if the source announces. */
  readonly service:
    | { readonly url: URL; readonly app: string; readonly token: string | undefined }
    | undefined;
  readonly policy: ResolvedPolicy;
  readonly readyWithinMs: number | undefined;
}

/**
 * @param environment - the variables of this process.
 * @throws {@link UsageError} for what is missing or cannot be; the operating system's errors for a file that cannot be read.
 */
export function parseUpdateOptions(
  values: OptionValues,
  environment: Readonly<Record<string, string | undefined>>,
): UpdateSettings {
  const seconds = numberOption(values, "ready-within", 0, MAX_SECONDS);
  return {
    ...parseSite(values),
    ...parseSource(values),
    policy: resolvePolicy(readVariables(textOption(values, "variables"), environment)),
    readyWithinMs: seconds === undefined ? undefined : seconds * 1000,
  };
}

function parseSite(values: OptionValues): Pick<UpdateSettings, "path" | "site"> {
  const name = textOption(values, "current");
  if (name === undefined) throw new UsageError("expected --current FLAT or rootfs:DIR[:CONFIG], got nothing");
  const work = textOption(values, "work");
  const output = textOption(values, "target");
  const inPlace = values["in-place"] === true;
  const rootfs = parseRootfsName(name, { values });
  if (rootfs !== undefined) {
    if (output !== undefined)
      throw new UsageError("expected no --target with a folder: it is updated in place");
    return { path: rootfs.path, site: rootfsFolder(rootfs.path, { ...rootfs.options, work }) };
  }
  if (inPlace && output !== undefined)
    throw new UsageError("expected either --in-place or --target, got both");
  const path = name.replace(/^flat:/u, "");
  return { path: output ?? path, site: flatFile(path, { inPlace, output, work }) };
}

function parseSource(values: OptionValues): Pick<UpdateSettings, "source" | "wanted" | "service"> {
  const from = textOption(values, "from");
  if (from === undefined) throw new UsageError("expected --from URL, got nothing");
  const app = textOption(values, "app");
  const access = parseRegistryAccess(values);
  if (from.startsWith("docker://")) {
    if (app !== undefined) throw new UsageError("expected no --app with docker://…, which names the image");
    return { source: registrySource(access), wanted: from, service: undefined };
  }
  if (!/^https?:\/\//u.test(from) || !URL.canParse(from))
    throw new UsageError(`expected --from http://…, https://… or docker://…, got ${from}`);
  if (app === undefined)
    throw new UsageError("expected --app NAME[:VERSION] with a delta service, got nothing");
  const tokenFile = textOption(values, "token-file");
  const token = tokenFile === undefined ? undefined : readFileSync(tokenFile, "utf8").trim();
  const url = new URL(from);
  return {
    source: serviceSource(url, { token, readImage: registryReader(access) }),
    wanted: app,
    service: { url, app: app.replace(/:.*$/su, ""), token },
  };
}

function parseRegistryAccess(values: OptionValues): RegistryAccess {
  const platform = textOption(values, "platform");
  return {
    credentials: dockerCredentials({ path: textOption(values, "registry-config") }),
    insecureHosts: listOption(values, "insecure-registry"),
    platform: platform === undefined ? undefined : checkUsage(() => parsePlatform(platform)),
  };
}

function readVariables(
  path: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): { fleet: Variables; device: Variables; defaults?: Partial<DeltaPolicy> } {
  const own = Object.fromEntries(
    Object.entries(environment).filter(([name]) => /^(?:BALENA|RESIN)_SUPERVISOR_DELTA/u.test(name)),
  );
  if (path === undefined) return { fleet: {}, device: own };
  const { fleetVariables = {}, deviceVariables = {} } = readJsonObject(path);
  for (const [key, variables] of Object.entries({ fleetVariables, deviceVariables })) {
    if (typeof variables !== "object" || variables === null || Array.isArray(variables))
      throw new UsageError(`${path}: expected ${key} to be a JSON object`);
  }
  // One place by one: a variable of the environment wins over that of the file whatever the prefix of either.
  const isOwn = new Set(Object.keys(own).map(withoutPrefix));
  const stored = Object.entries(deviceVariables as Variables).filter(
    ([name]) => !isOwn.has(withoutPrefix(name)),
  );
  return { fleet: fleetVariables as Variables, device: { ...Object.fromEntries(stored), ...own } };
}

const withoutPrefix = (name: string): string => name.replace(/^[A-Z]+_/u, "");

function readJsonObject(path: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${path}: expected JSON, found something else: ${error.message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${path}: expected a JSON object`);
  return value as Readonly<Record<string, unknown>>;
}
