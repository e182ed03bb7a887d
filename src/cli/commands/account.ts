/** How the commands tell what of a delta makes which file. */
import type { DeltaAccount } from "../../delta/index.ts";
import type { CommandResult, Json, OptionTable } from "../command.ts";
import { formatBytes, formatCount } from "../format.ts";
import { opReport, shareOf } from "./shared.ts";

/** The option of the commands that can list the files of a target. */
export const FILES_OPTION: OptionTable = {
  files: { type: "boolean", help: "tell which files of TARGET cost how much of the delta" },
};

/** So many of the costliest files are shown to people; JSON has all. */
const SHOWN_FILES = 10;

/** A path as reports have it: the members of the archive around the layer stand in brackets. */
const showPath = (path: string): string => (path.startsWith("\0") ? `[${path.slice(1)}]` : path);

/** What `--json` and people are told of an account. */
export function tellAccount({ files, freeFiles, outside, framingBytes }: DeltaAccount): CommandResult {
  const costliest = [...files].sort((a, b) => b.deltaBytes - a.deltaBytes);
  const deltaBytes =
    costliest.reduce((sum, file) => sum + file.deltaBytes, 0) + outside.deltaBytes + framingBytes;
  return {
    report: {
      files: costliest.map((file): Json => {
        const { path, targetBytes, deltaBytes, basisPath } = file;
        return {
          path: showPath(path),
          basisPath: basisPath === undefined ? null : showPath(basisPath),
          targetBytes,
          deltaBytes,
          ...opReport(file),
        };
      }),
      freeFiles,
      outside,
      framingBytes,
    },
    lines: [
      ["files", `${formatCount(files.length)} cost something, ${formatCount(freeFiles.count)} nothing`],
      ...costliest
        .slice(0, SHOWN_FILES)
        .map(
          (file) =>
            [
              "",
              `${formatBytes(file.deltaBytes)}${shareOf(file.deltaBytes, deltaBytes, "the delta")}, ${showPath(file.path)}`,
            ] as const,
        ),
    ],
  };
}
