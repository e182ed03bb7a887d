import { readFileSync } from "node:fs";
import { DELTA_CODECS } from "../../encode/index.ts";
import { parsePlatform } from "../../image/index.ts";
import type { AccessToken, DeltaServiceOptions } from "../../serve/index.ts";
import type { ProcessMakerOptions, ServeHttpOptions } from "../../serve/node.ts";
import { choiceOption, listOption, numberOption, sizeOption, textOption } from "../arguments.ts";
import type { OptionValues } from "../command.ts";
import { UsageError } from "../exit-code.ts";
import type { LogForm } from "./serve-log.ts";

/** What the options of `flatdelta serve` say. */
export interface ServeSettings {
  readonly store: string;
  readonly log: LogForm;
  readonly service: Omit<DeltaServiceOptions, "store" | "maker" | "onEvent">;
  readonly maker: ProcessMakerOptions;
  readonly http: ServeHttpOptions;
}

const MAX_COUNT = 1_000_000;
const DAY_MS = 24 * 3_600_000;

/** @throws {@link UsageError} for a value that cannot be; the operating system's errors for a file of tokens. */
export function parseServeOptions(values: OptionValues): ServeSettings {
  const store = textOption(values, "store");
  if (store === undefined) throw new UsageError("expected --store DIR, got nothing");
  const imagesFolder = textOption(values, "images");
  const registries = listOption(values, "allow-registry");
  const maker = parseMakerOptions(values, imagesFolder);
  const maxAgeDays = numberOption(values, "max-age", 1, MAX_COUNT);
  return {
    store,
    log: choiceOption(values, "log", ["text", "json"]) ?? "text",
    service: {
      images: { files: imagesFolder !== undefined, registries },
      tokens: readTokens(textOption(values, "token-file")),
      ahead: numberOption(values, "ahead", 0, 1000),
      optionsTag: JSON.stringify([maker.level, maker.codec]),
      limits: {
        maxJobs: numberOption(values, "max-jobs", 1, 256),
        maxWaitingJobs: numberOption(values, "max-waiting", 1, MAX_COUNT),
        maxStoreBytes: sizeOption(values, "max-store"),
        maxAgeMs: maxAgeDays === undefined ? undefined : maxAgeDays * DAY_MS,
        requestsPerMinute: numberOption(values, "requests-per-minute", 1, MAX_COUNT),
        maxListeners: numberOption(values, "max-listeners", 1, MAX_COUNT),
      },
    },
    maker,
    http: {
      port: numberOption(values, "port", 0, 65_535),
      host: textOption(values, "host"),
      trustsProxy: values["trust-proxy"] === true,
    },
  };
}

function parseMakerOptions(values: OptionValues, imagesFolder: string | undefined): ProcessMakerOptions {
  const platform = textOption(values, "platform");
  if (platform !== undefined) {
    try {
      parsePlatform(platform);
    } catch (error) {
      throw error instanceof RangeError ? new UsageError(error.message) : error;
    }
  }
  return {
    imagesFolder,
    platform,
    scratchFolder: textOption(values, "tmp"),
    registryConfig: textOption(values, "registry-config"),
    insecureRegistries: listOption(values, "insecure-registry"),
    level: numberOption(values, "level", 1, 9),
    codec: choiceOption(values, "codec", DELTA_CODECS),
    workers: numberOption(values, "workers", 0, 64),
  };
}

function readTokens(path: string | undefined): AccessToken[] {
  if (path === undefined) return [];
  const tokens: AccessToken[] = [];
  for (const [place, line] of readFileSync(path, "utf8").split("\n").entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const found = /^(read|write)\s+([\x21-\x7e]{16,})$/u.exec(text);
    // The line itself is not shown: it may hold a token.
    if (found === null)
      throw new UsageError(
        `${path}: expected read or write and a token of 16 characters or more in line ${place + 1}`,
      );
    tokens.push({ right: found[1] as AccessToken["right"], token: found[2]! });
  }
  return tokens;
}
