import type { DeltaLimits } from "../delta/index.ts";
import { sizeOption } from "./arguments.ts";
import type { OptionTable, OptionValues } from "./command.ts";

/** The option of the commands that read deltas. */
export const TARGET_LIMIT_OPTION: OptionTable = {
  "max-target-size": {
    type: "string",
    value: "SIZE",
    help: "the largest target that a delta may make (64G)",
  },
};

/** What a delta may ask for. A size that the user names is enough; how it compares with the delta's does not matter then. */
export function deltaLimits(values: OptionValues): Partial<DeltaLimits> | undefined {
  const targetBytes = sizeOption(values, "max-target-size");
  return targetBytes === undefined ? undefined : { targetBytes, expansion: Number.POSITIVE_INFINITY };
}
