import { updateImage } from "../../update/index.ts";
import type { Command } from "../command.ts";
import { addConfigFile } from "../config-file.ts";
import { parseUpdateOptions, TARGET_OPTION, UPDATE_OPTIONS } from "./update-options.ts";
import { createUpdateLog, describeUpdate } from "./update-output.ts";

/** `flatdelta update`. */
export const update: Command = {
  operands: [],
  description: `Bring the image on this device to the one that it should have: by deltas where there are any, else by a full pull.
What an earlier run had begun is completed and gone on with, after a power cut too. The image is proven before it
counts; until then the old one stays whole. RESIN_SUPERVISOR_DELTA…, BALENA_SUPERVISOR_DELTA… in the environment and in
--variables say whether deltas are used, how long to wait and how often to try again (docs/CLI.md).`,
  options: { ...UPDATE_OPTIONS, ...TARGET_OPTION },
  examples: [
    [
      "from a delta service, in place",
      "flatdelta update --from https://deltas.example.org --app app --current /data/app.flat --in-place",
    ],
    [
      "an unpacked image",
      "flatdelta update --from https://deltas.example.org --app app --current rootfs:/srv/app:/srv/app.json",
    ],
    ["with all options in a file", "flatdelta update --config /etc/flatdelta/update.json"],
  ],
  run: async (_, context) => {
    const values = addConfigFile(context.values, update.options);
    const { path, site, source, wanted, policy, readyWithinMs } = parseUpdateOptions(values, process.env);
    const result = await updateImage({
      current: site,
      wanted,
      source,
      policy,
      readyWithinMs,
      signal: context.signal,
      onEvent: createUpdateLog({ ...context, values }),
    });
    return describeUpdate(path, result);
  },
};
