import { fromHex } from "../bytes/index.ts";
import { textOption } from "./arguments.ts";
import type { OptionTable, OptionValues } from "./command.ts";
import { UsageError } from "./exit-code.ts";

/** The name of the option that tells the target's digest. */
export const TARGET_DIGEST = "target-sha256";

/** The option of `patch` for formats that do not name their target. */
export const TARGET_DIGEST_OPTION: OptionTable = {
  [TARGET_DIGEST]: {
    type: "string",
    value: "HEX",
    help: "SHA-256 that the target must have, for deltas of other tools, which do not name it",
  },
};

/** The SHA-256 that the target must have, if it is given. */
export function targetDigestOption(values: OptionValues): Uint8Array | undefined {
  const hex = textOption(values, TARGET_DIGEST);
  if (hex === undefined) return undefined;
  if (!/^[0-9a-f]{64}$/iu.test(hex))
    throw new UsageError(`expected --${TARGET_DIGEST} to be 64 hexadecimal digits, got ${hex}`);
  return fromHex(hex);
}

/** What to say of a target that was made without its digest at hand. */
export const UNPROVEN_WARNING = `the delta does not name its target, and nothing proves it; give --${TARGET_DIGEST} to be sure`;
