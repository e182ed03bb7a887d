import { parseImageName } from "../../image/index.ts";
import type { RootfsOptions } from "../../rootfs/index.ts";
import { choiceOption } from "../arguments.ts";
import type { CommandContext } from "../command.ts";

/** A folder as the command line names it. */
export interface NamedRootfs {
  path: string;
  options: RootfsOptions;
}

/** What `rootfs:FOLDER[:CONFIG.json]` names; `undefined` for any other name. */
export function parseRootfsName(
  name: string,
  { values }: Pick<CommandContext, "values">,
): NamedRootfs | undefined {
  if (!name.startsWith("rootfs:")) return undefined;
  const { path, reference } = parseImageName(name);
  return { path, options: { config: reference, xattrs: choiceOption(values, "xattrs", ["read", "ignore"]) } };
}
