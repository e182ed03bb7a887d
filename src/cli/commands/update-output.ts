import { formatUpdateEvent, type OnUpdateEvent, type UpdateResult } from "../../update/index.ts";
import { choiceOption } from "../arguments.ts";
import type { CommandContext, CommandResult, Json } from "../command.ts";
import { formatBytes } from "../format.ts";

const PROGRESS_MS = 1000;

const hexOf = (digest: string): string => digest.replace(/^sha256:/u, "");

/**
 * Show what an update does: its progress as a bar where somebody watches, all else as lines on standard error. With `--log json` every
 * event is a line, progress at most once a second and at each change of phase.
 */
export function createUpdateLog({ values, onProgress, log }: CommandContext): OnUpdateEvent {
  const isJson = choiceOption(values, "log", ["text", "json"]) === "json";
  let shownMs = Number.NEGATIVE_INFINITY;
  let phase: string | undefined;
  return (event) => {
    if (event.type === "progress") {
      if (event.totalBytes > 0) onProgress?.(event);
      const nowMs = performance.now();
      if (!isJson || (event.phase === phase && nowMs - shownMs < PROGRESS_MS)) return;
      shownMs = nowMs;
      phase = event.phase;
    }
    if (isJson) return log(JSON.stringify({ time: new Date().toISOString(), ...event }));
    const line = formatUpdateEvent(event);
    if (line !== undefined) log(line);
  };
}

const DONE = {
  updated: "updated",
  resumed: "an interrupted update, completed",
  none: "nothing to do, it was there already",
} as const;

const BY = { deltas: "by deltas", pull: "by a full pull", none: "" } as const;

/** What an update did, for people and for programs. */
export function describeUpdate(path: string, result: UpdateResult): CommandResult {
  const { done, by, release, digest, basisDigest, hopCount, downloadedBytes, savedBytes, fallback } = result;
  const report: Record<string, Json> = {
    done,
    by,
    release: release.identity,
    flatSha256: hexOf(digest),
    basisSha256: basisDigest === undefined ? null : hexOf(basisDigest),
    hopCount,
    downloadedBytes,
    savedBytes,
    fallback: fallback === undefined ? null : { ...fallback },
  };
  const lines: [string, string][] = [
    ["image", `${path}, ${release.identity}`],
    ["sha256", `${hexOf(digest)}, proven`],
    ["done", by === "none" ? DONE[done] : `${DONE[done]} ${BY[by]}`],
    ["moved", `${formatBytes(downloadedBytes)}, ${formatBytes(savedBytes)} less than a full pull`],
  ];
  if (fallback !== undefined) lines.push(["because", `${fallback.reason} (${fallback.code})`]);
  return { report, lines };
}
