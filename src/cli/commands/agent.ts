import { spawn } from "node:child_process";
import { errorCodeOf, errorMessageOf } from "../../errors.ts";
import { followService, pollSource, runAgent, type UpdateResult, updateImage } from "../../update/index.ts";
import { fileHandover } from "../../update/node.ts";
import { numberOption, textOption } from "../arguments.ts";
import type { Command } from "../command.ts";
import { addConfigFile } from "../config-file.ts";
import { formatCount } from "../format.ts";
import { parseUpdateOptions, UPDATE_OPTIONS } from "./update-options.ts";
import { createUpdateLog } from "./update-output.ts";

/** `flatdelta agent`. */
export const agent: Command = {
  operands: [],
  description: `Keep the image on this device up to date: update it now and at each announcement of a new release, and run a
command when a new image is ready. The command runs in a shell, with FLATDELTA_IMAGE (path), FLATDELTA_DIGEST (of the
flat image), FLATDELTA_BASIS (the one before; empty when there was none) and FLATDELTA_RELEASE in its environment. It
runs once for each image: one that fails is run again after a while, and after a restart. SIGTERM and SIGINT end the
agent; the next one goes on where it was.`,
  options: {
    ...UPDATE_OPTIONS,
    hook: { type: "string", value: "COMMAND", help: "what to run when a new image is ready" },
    state: {
      type: "string",
      value: "FILE",
      help: "where to remember for which image it has run (CURRENT.agent)",
    },
    poll: { type: "string", value: "SECONDS", help: "how often to ask where nobody announces (60)" },
  },
  examples: [
    [
      "follow a delta service",
      "flatdelta agent --from https://deltas.example.org --app app --current /data/app.flat --in-place --hook /etc/start-app",
    ],
    ["with all options in a file", "flatdelta agent --config /etc/flatdelta/agent.json"],
  ],
  run: async (_, context) => {
    const { signal, log } = context;
    const values = addConfigFile(context.values, agent.options);
    const settings = parseUpdateOptions(values, process.env);
    const { path, site, source, wanted, service, policy, readyWithinMs } = settings;
    const seconds = numberOption(values, "poll", 1, 1_000_000);
    const hook = textOption(values, "hook");
    const onEvent = createUpdateLog({ ...context, values });
    const tell = (message: string): void => onEvent({ type: "log", message });
    const follow = {
      signal,
      pollMs: seconds === undefined ? undefined : seconds * 1000,
      onError: (error: unknown) => tell(`announcements: ${messageOf(error)}`),
    };
    let updates = 0;
    try {
      return await runAgent({
        announcements:
          service === undefined
            ? pollSource(source, wanted, follow)
            : followService(service.url, service.app, { ...follow, token: service.token }),
        update: async () => {
          const result = await updateImage({
            current: site,
            wanted,
            source,
            policy,
            readyWithinMs,
            signal,
            onEvent,
          });
          if (result.done !== "none") updates++;
          return result;
        },
        onReady: async (result) => {
          if (hook === undefined) return;
          tell(`hook: ${hook}`);
          await runHook(hook, path, result, signal, log);
        },
        handover: fileHandover(textOption(values, "state") ?? `${path}.agent`),
        onError: (error, delayMs) =>
          tell(`the next attempt is in ${Math.round(delayMs / 1000)} s: ${messageOf(error)}`),
        signal,
      });
    } catch (error) {
      if (!signal.aborted) throw error;
      return { report: { updates }, lines: [["done", `${formatCount(updates)} updates`]] };
    }
  },
};

function messageOf(error: unknown): string {
  return `${errorMessageOf(error)} (${errorCodeOf(error)})`;
}

/** Run the hook to its end. What it prints goes to the log. */
function runHook(
  command: string,
  path: string,
  { digest, basisDigest, release }: UpdateResult,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      signal,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        FLATDELTA_IMAGE: path,
        FLATDELTA_DIGEST: digest,
        FLATDELTA_BASIS: basisDigest ?? "",
        FLATDELTA_RELEASE: release.identity,
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        for (const line of text.split("\n")) if (line !== "") log(`hook: ${line}`);
      });
    }
    child.on("error", reject);
    child.on("close", (code, killedBy) => {
      if (code === 0) resolve();
      else reject(new Error(`expected the hook to succeed, it ended with ${killedBy ?? code}`));
    });
  });
}
